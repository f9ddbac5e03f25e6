/* The echo job of the bench with libstrophe: answers #ping, and #tasks from a model in memory.
 * usage: echo PORT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strophe.h>

#define NS "http://neerc.ifmo.ru/protocol/neerc"
#define TASKS 16
#define STATUSES 17

struct status {
    char who[16];
    const char *type;
    const char *value;
};

struct task {
    char id[8];
    char title[96];
    const char *type;
    char timestamp[24];
    struct status statuses[STATUSES];
};

static struct task model[TASKS];

static void fill(void)
{
    static const char *const types[] = {"none", "running", "success", "fail"};
    for (int i = 0; i < TASKS; i++) {
        struct task *task = &model[i];
        snprintf(task->id, sizeof task->id, "%d", i + 1);
        snprintf(task->title, sizeof task->title, "Bring the balloons of problem %c from the store to its hall",
                 'A' + i % 13);
        task->type = "todo";
        snprintf(task->timestamp, sizeof task->timestamp, "%lld", 1512700000000LL + i + 1);
        for (int j = 0; j < STATUSES; j++) {
            snprintf(task->statuses[j].who, sizeof task->statuses[j].who, "hall%d", j + 1);
            task->statuses[j].type = types[(i + 1 + j + 1) % 4];
            task->statuses[j].value = "";
        }
    }
}

static xmpp_stanza_t *element(xmpp_ctx_t *ctx, const char *name)
{
    xmpp_stanza_t *stanza = xmpp_stanza_new(ctx);
    xmpp_stanza_set_name(stanza, name);
    return stanza;
}

static void adopt(xmpp_stanza_t *parent, xmpp_stanza_t *child)
{
    xmpp_stanza_add_child(parent, child);
    xmpp_stanza_release(child);
}

static xmpp_stanza_t *tasks(xmpp_ctx_t *ctx)
{
    xmpp_stanza_t *query = element(ctx, "query");
    xmpp_stanza_set_ns(query, NS "#tasks");
    for (int i = 0; i < TASKS; i++) {
        xmpp_stanza_t *task = element(ctx, "task");
        xmpp_stanza_set_attribute(task, "id", model[i].id);
        xmpp_stanza_set_attribute(task, "title", model[i].title);
        xmpp_stanza_set_attribute(task, "type", model[i].type);
        xmpp_stanza_set_attribute(task, "timestamp", model[i].timestamp);
        for (int j = 0; j < STATUSES; j++) {
            xmpp_stanza_t *status = element(ctx, "status");
            xmpp_stanza_set_attribute(status, "for", model[i].statuses[j].who);
            xmpp_stanza_set_attribute(status, "type", model[i].statuses[j].type);
            xmpp_stanza_set_attribute(status, "value", model[i].statuses[j].value);
            adopt(task, status);
        }
        adopt(query, task);
    }
    return query;
}

static int on_iq(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *ctx)
{
    const char *type = xmpp_stanza_get_type(stanza);
    xmpp_stanza_t *query = xmpp_stanza_get_child_by_name(stanza, "query");
    const char *ns = query ? xmpp_stanza_get_ns(query) : NULL;
    if (!type || strcmp(type, "get") || !ns)
        return 1;
    xmpp_stanza_t *reply = xmpp_stanza_reply(stanza);
    xmpp_stanza_set_type(reply, "result");
    xmpp_stanza_set_from(reply, xmpp_stanza_get_to(stanza));
    if (!strcmp(ns, NS "#tasks"))
        adopt(reply, tasks(ctx));
    xmpp_send(conn, reply);
    xmpp_stanza_release(reply);
    return 1;
}

static void on_event(xmpp_conn_t *conn, xmpp_conn_event_t event, int error, xmpp_stream_error_t *stream_error,
                     void *ctx)
{
    (void)error;
    (void)stream_error;
    if (event == XMPP_CONN_CONNECT)
        xmpp_handler_add(conn, on_iq, NULL, "iq", NULL, ctx);
    else
        xmpp_stop(ctx);
}

/* libstrophe 0.12 looks at the state of stream management after every stanza, which components do not have: it reads
 * through a null pointer at the first one. An empty state, which begins with its context, keeps it from that. */
static void mend(xmpp_ctx_t *ctx, xmpp_conn_t *conn)
{
    void **state = calloc(64, sizeof *state);
    if (state) {
        state[0] = ctx;
        xmpp_conn_set_sm_state(conn, (xmpp_sm_state_t *)state);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    fill();
    xmpp_initialize();
    xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
    xmpp_conn_t *conn = xmpp_conn_new(ctx);
    xmpp_conn_set_jid(conn, "neerc.localhost");
    xmpp_conn_set_pass(conn, "secret");
    mend(ctx, conn);
    if (xmpp_connect_component(conn, "127.0.0.1", (unsigned short)atoi(argv[1]), on_event, ctx) != XMPP_EOK)
        return 1;
    xmpp_run(ctx);
    xmpp_conn_release(conn);
    xmpp_ctx_free(ctx);
    xmpp_shutdown();
    return 0;
}
