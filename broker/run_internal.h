#ifndef SP_BROKER_RUN_INTERNAL_H
#define SP_BROKER_RUN_INTERNAL_H

/*
 * run_internal: what run.c (the life), start.c (each service, up and down), ports.c (what services
 * ask of the whole) and enrolment.c share. Only they include it.
 */

#include "broker/api/api.h"
#include "broker/feeds/feeds.h"
#include "broker/handoff.h"
#include "broker/keyring.h"
#include "broker/run.h"
#include "broker/wire.h"
#include "lib/http/proxy.h"
#include "lib/os/prefix.h"

/* Owned, in the order in which they start; broker_stop_all takes them down from the end. */
struct broker {
    const struct broker_config *config; /* borrowed */
    const struct run_hooks *hooks;      /* borrowed */
    int lock_fd;
    struct store *store;
    struct keyring keys;
    struct loop *loop;
    struct pool *pool;
    struct engine *engine;
    struct registry *registry;
    struct rules *rules;
    struct judge *judge;
    struct edges *edges;
    struct live *live;
    struct sessions *sessions;
    struct changes *changes;
    struct mfa *mfa;
    struct signin *signin;
    struct tickets *tickets;
    struct accounts *accounts;
    struct idp *idp;
    struct proxy_env proxy;
    struct oidc *oidc;
    struct feeds *feeds;
    struct logins *logins;
    struct pages *pages;
    struct enrol_address enrol;
    struct key_fingerprint fingerprint;
    struct api_role_rule roles[WIRE_ROLES_MAX];
    struct api api;
    struct control *control;
    struct live_feed *feed;
    struct server *server;
    struct front *front;
    struct handoff *handoff;
    struct ops *ops;
    struct service *service;
    char public_address[300];
    struct prefixes proxies;
};

/* start.c: all services, in order; after a failure broker_stop_all takes down what stands. */
SP_MUST sp_error broker_start_all(struct broker *b, struct sp_why *why);
void broker_stop_all(struct broker *b);

/* ports.c: what a struct of functions asks for; `arg` is the broker. */
struct app_test;
void port_expect(void *arg, struct sp_id app);
bool port_ask_report(void *arg, struct sp_id device);
sp_error port_app_test(void *arg, struct sp_id connector, struct sp_id app, struct app_test *out);
void port_checks(void *arg, each_check *each, void *each_arg);
void port_keys(void *arg, each_key *each, void *each_arg);
SP_MUST sp_error port_certificate_ends(void *arg, sp_unix_ms *out);
void port_request(void *arg, const struct request *req, struct response *res); /* http_handler */
bool port_calls_out(void *arg, const struct request *req);                     /* http_outbound */
void port_tunnel(void *arg, int fd, const struct address *peer);               /* front_targets */
void port_http(void *arg, int fd, const struct address *peer);

/* enrolment.c: handoff_connected. The relay of this machine gets an enrolment line. */
void enrolment_offer(void *arg);

#endif
