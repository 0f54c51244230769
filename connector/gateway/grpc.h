#ifndef SP_GATEWAY_GRPC_H
#define SP_GATEWAY_GRPC_H

/*
 * grpc: what of gRPC over HTTP/2 a gateway reads: the frame of its messages, its deadline, and the
 * status that stands for a refusal of ours. Messages themselves are not read. Pure.
 */

#include "connector/gateway/request.h"

/* Codes of gRPC that refusals have. */
enum grpc_status {
    GRPC_OK = 0,
    GRPC_UNKNOWN = 2,
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_PERMISSION_DENIED = 7,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_UNAVAILABLE = 14,
    GRPC_UNAUTHENTICATED = 16
};

/* "application/grpc", or that with "+proto" and the like; grpc-web is another protocol. */
bool grpc_is_type(struct view media_type);

enum grpc_status grpc_status_of(int http_status);
/* The other way, for who learns from answers: 200 for "0", what a REST application would have said
 * for the rest; 500 for a text that is no status, and where there is none. */
int grpc_http_status(struct view status);

/* The messages of one direction, in any pieces; begins zeroed. */
struct grpc_messages {
    uint8_t prefix[5];
    uint8_t have; /* bytes of the prefix */
    uint32_t left;
    uint64_t count;
    uint32_t largest;
};
/*   SP_ERR_MALFORMED  a flag that is neither 0 nor 1
 *   SP_ERR_LIMIT      a message of more than `max` bytes */
SP_MUST sp_error grpc_read(struct grpc_messages *m, struct view data, uint64_t max);

/* "100m" of grpc-timeout.   SP_ERR_MALFORMED */
SP_MUST sp_error grpc_timeout(struct view text, int64_t *ms);

#endif
