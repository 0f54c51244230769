#ifndef SP_BASE_ERROR_H
#define SP_BASE_ERROR_H

/*
 * error: the one way to fail.
 *
 * Every function that can fail returns an sp_error, and its header lists which ones in the order
 * in which they are checked. On failure the out parameters are untouched. An error is logged
 * once, by whoever decides what follows from it. Where a person reads the reason, the function
 * takes a `struct sp_why` besides (why.h).
 */

/* Put before every function that can fail: a result nobody looked at does not compile. */
#define SP_MUST __attribute__((warn_unused_result))
#define SP_PRINTF(at, first) __attribute__((__format__(__printf__, at, first)))

/* Code and sentence stand on one line, so no code can lack its sentence. Append only. */
#define SP_ERRORS(X)                                                  \
    X(SP_OK, "ok")                                                    \
    X(SP_ERR_NOMEM, "out of memory")                                  \
    X(SP_ERR_AGAIN, "more input is needed")                           \
    X(SP_ERR_MALFORMED, "the input breaks its format")                \
    X(SP_ERR_LIMIT, "a limit was reached")                            \
    X(SP_ERR_NOT_FOUND, "there is no such thing")                     \
    X(SP_ERR_EXPIRED, "its time is over")                             \
    X(SP_ERR_SIGNATURE, "the signature does not match")               \
    X(SP_ERR_AUDIENCE, "it was made for someone else")                \
    X(SP_ERR_REPLAY, "it was used before")                            \
    X(SP_ERR_DENIED, "it is not allowed")                             \
    X(SP_ERR_UNAUTHENTICATED, "the caller has not proved who it is")  \
    X(SP_ERR_STEP_UP, "a newer proof of the second factor is needed") \
    X(SP_ERR_EXISTS, "it exists already")                             \
    X(SP_ERR_CONFLICT, "someone else changed it meanwhile")           \
    X(SP_ERR_INVALID, "a value is not acceptable")                    \
    X(SP_ERR_UNSUPPORTED, "it is of a kind that is not supported")    \
    X(SP_ERR_VERSION, "no common version")                            \
    X(SP_ERR_BUSY, "too much is under way; try again later")          \
    X(SP_ERR_TIMEOUT, "no answer in time")                            \
    X(SP_ERR_UNREACHABLE, "the other side can't be reached")          \
    X(SP_ERR_REFUSED, "the other side refused")                       \
    X(SP_ERR_CLOSED, "the connection ended")                          \
    X(SP_ERR_RESET, "the connection was reset")                       \
    X(SP_ERR_TLS, "the TLS connection failed")                        \
    X(SP_ERR_IO, "an input or output operation failed")               \
    X(SP_ERR_FULL, "no space is left")                                \
    X(SP_ERR_CORRUPT, "stored data is damaged")                       \
    X(SP_ERR_INTEGRITY, "an integrity check failed")                  \
    X(SP_ERR_PERMISSION, "the system does not permit it")             \
    X(SP_ERR_CANCELLED, "it was cancelled")                           \
    X(SP_ERR_PROTOCOL, "the peer broke the protocol")                 \
    X(SP_ERR_UNKNOWN, "the fact is unknown")                          \
    X(SP_ERR_INTERNAL, "an invariant of the program does not hold")

#define SP_ERRORS_ENUM(code, text) code,
typedef enum { SP_ERRORS(SP_ERRORS_ENUM) SP_ERROR_COUNT } sp_error;

/* Never NULL. Static storage. */
const char *sp_error_text(sp_error e);

/* "SP_ERR_MALFORMED": the stable word for logs. Never NULL. Static storage. */
const char *sp_error_code(sp_error e);

/* Says that an error is ignored on purpose; a comment beside the call says why. */
static inline void sp_ignore(sp_error e)
{
    (void)e;
}

#endif
