/* A small HTTP server of Script Endpoints: the scripts of a folder, as DIR/INSTANCE/NAME.lua, or a hello of its own.
 *
 *     cc server.c $(pkg-config --cflags --libs perilune) -lpthread && ./a.out 8080 key-of-the-moonbase
 *     curl -H 'X-API-KEY: key-of-the-moonbase' 'http://127.0.0.1:8080/v1.1/instances/moonbase/endpoints/scripts/hello/run/?monster=Manticore'
 *
 * One loop per thread, each with a socket of its own on the same port, and each run on the thread of its connection: nothing is
 * handed from thread to thread. What a client can make the server keep has a bound. Port 0 is any that is free. Linux only. */

#define _GNU_SOURCE

#include <perilune.h>

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { THREADS = 2, CONNECTIONS = 256, MAX_HEAD = 16 << 10, MAX_HEADERS = 64, EVENTS = 64 };

/* A head is read whole, its body handed on as it comes; the request is answered, and its connection closed. */
typedef struct connection {
    int socket;
    bool is_head;              /* whether the method is HEAD */
    perilune_exchange *exchange; /* none before the head is read */
    size_t left;               /* bytes of the body that are to come */
    size_t used;
    size_t sent;
    size_t answer_len;
    char *answer;
    size_t index; /* in its loop's connections */
    char input[MAX_HEAD];
} connection;

typedef struct loop {
    pthread_t thread;
    int listener;
    int epoll;
    int stop;
    size_t count;
    connection *connections[CONNECTIONS];
    const perilune_endpoints *endpoints;
} loop;

static void write_slice(FILE *out, perilune_slice slice)
{
    fwrite(slice.data, 1, slice.len, out);
}

/* Like all below that return bool: whether the connection goes on. */
static bool respond(connection *connection, const perilune_answer_view *answer)
{
    FILE *out = open_memstream(&connection->answer, &connection->answer_len);
    if (out == NULL) {
        return false;
    }
    bool has_length = answer->status != 204 && answer->status != 304;
    fprintf(out, "HTTP/1.1 %u \r\n", answer->status);
    for (size_t i = 0; i < answer->headers_len; i++) {
        write_slice(out, answer->headers[i].name);
        fputs(": ", out);
        write_slice(out, answer->headers[i].value);
        fputs("\r\n", out);
    }
    if (has_length) {
        fprintf(out, "content-length: %zu\r\n", answer->body.len);
    }
    fputs("connection: close\r\n\r\n", out);
    if (has_length && !connection->is_head) {
        write_slice(out, answer->body);
    }
    return fclose(out) == 0;
}

/* What the server itself does not take. */
static bool refuse(connection *connection, unsigned status, const char *json)
{
    perilune_header type = {perilune_str("content-type"), perilune_str("application/json")};
    perilune_answer_view answer = {.status = status, .body = perilune_str(json), .headers = &type, .headers_len = 1};
    return respond(connection, &answer);
}

/* Goes on from a head or body that was read. */
static bool finish(connection *connection)
{
    perilune_exchange *exchange = connection->exchange;
    perilune_answer_view answer = {.size = sizeof answer};
    perilune_step step = perilune_exchange_step(exchange);
    if (step == PERILUNE_STEP_RUN) {
        perilune_exchange_run(exchange, NULL, NULL);
    } else if (step == PERILUNE_STEP_RESET) {
        /* Links live as long as the process. */
        perilune_exchange_stored(exchange, perilune_str(NULL), NULL);
    }
    return perilune_exchange_answer(exchange, &answer, NULL) == PERILUNE_OK && respond(connection, &answer);
}

static bool take_body(connection *connection, const char *data, size_t len)
{
    bool more = true;
    len = len < connection->left ? len : connection->left;
    connection->left -= len;
    if (perilune_exchange_push(connection->exchange, perilune_bytes(data, len), &more, NULL) != PERILUNE_OK) {
        return false;
    }
    if (more && connection->left > 0) {
        return true;
    }
    return perilune_exchange_read(connection->exchange, true, NULL) == PERILUNE_OK && finish(connection);
}

static bool is(perilune_slice name, const char *text)
{
    return name.len == strlen(text) && strncasecmp(name.data, text, name.len) == 0;
}

/* Takes the head apart, which ends before `body`, and asks. */
static bool take_head(const perilune_endpoints *endpoints, connection *connection, const char *body)
{
    static const char NOT_HTTP[] = "{\"detail\":\"This is not HTTP.\"}";
    perilune_header headers[MAX_HEADERS];
    size_t count = 0;
    const char *line = connection->input;
    const char *end = memmem(line, (size_t)(body - line), "\r\n", 2);
    const char *target = memchr(line, ' ', (size_t)(end - line));
    const char *version = target == NULL ? NULL : memchr(target + 1, ' ', (size_t)(end - target - 1));
    if (version == NULL) {
        return refuse(connection, 400, NOT_HTTP);
    }
    perilune_head head = {
        .size = sizeof head,
        .method = perilune_bytes(line, (size_t)(target - line)),
        .path = perilune_bytes(target + 1, (size_t)(version - target - 1)),
        .address = perilune_str("127.0.0.1"),
    };
    connection->is_head = is(head.method, "HEAD");
    for (line = end + 2; line < body - 2; line = end + 2) {
        end = memmem(line, (size_t)(body - line), "\r\n", 2);
        const char *colon = memchr(line, ':', (size_t)(end - line));
        if (colon == NULL || count == MAX_HEADERS) {
            return refuse(connection, 400, NOT_HTTP);
        }
        perilune_header *header = &headers[count++];
        header->name = perilune_bytes(line, (size_t)(colon - line));
        header->value = perilune_bytes(colon + 1, (size_t)(end - colon - 1));
        if (is(header->name, "transfer-encoding")) {
            return refuse(connection, 501, "{\"detail\":\"A body needs its Content-Length.\"}");
        }
        if (is(header->name, "content-length")) {
            char *behind = NULL;
            connection->left = strtoul(colon + 1, &behind, 10);
            if (behind != end || memchr(colon, '-', (size_t)(end - colon)) != NULL) {
                return refuse(connection, 400, NOT_HTTP);
            }
        }
    }
    if (perilune_endpoints_ask(endpoints, &head, headers, count, &connection->exchange, NULL) != PERILUNE_OK) {
        return refuse(connection, 400, NOT_HTTP);
    }
    if (perilune_exchange_step(connection->exchange) != PERILUNE_STEP_BODY) {
        return finish(connection);
    }
    return take_body(connection, body, connection->used - (size_t)(body - connection->input));
}

static void drop(loop *loop, connection *connection)
{
    struct connection *last = loop->connections[--loop->count];
    loop->connections[connection->index] = last;
    last->index = connection->index;
    close(connection->socket);
    perilune_exchange_free(connection->exchange);
    free(connection->answer);
    free(connection);
}

static void take(loop *loop)
{
    int socket = accept4(loop->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) {
        return;
    }
    connection *connection = loop->count < CONNECTIONS ? calloc(1, sizeof *connection) : NULL;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (connection == NULL || epoll_ctl(loop->epoll, EPOLL_CTL_ADD, socket, &event) != 0) {
        free(connection);
        close(socket);
        return;
    }
    connection->socket = socket;
    connection->index = loop->count;
    loop->connections[loop->count++] = connection;
}

/* Reads what came of a request. */
static bool receive(const perilune_endpoints *endpoints, connection *connection)
{
    /* Behind a head, its place is for the next bytes of the body, and behind an answer for what is dropped. */
    size_t used = connection->exchange == NULL && connection->answer == NULL ? connection->used : 0;
    ssize_t got = recv(connection->socket, connection->input + used, sizeof connection->input - used, 0);
    if (got < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    if (connection->answer != NULL) {
        return got > 0;
    }
    if (connection->exchange != NULL && got > 0) {
        return take_body(connection, connection->input, (size_t)got);
    }
    if (connection->exchange != NULL) {
        return perilune_exchange_read(connection->exchange, false, NULL) == PERILUNE_OK && finish(connection);
    }
    connection->used += (size_t)got;
    const char *end = memmem(connection->input, connection->used, "\r\n\r\n", 4);
    if (end != NULL) {
        return take_head(endpoints, connection, end + 4);
    }
    if (connection->used == sizeof connection->input) {
        return refuse(connection, 431, "{\"detail\":\"The header is too large.\"}");
    }
    return got > 0;
}

static bool proceed(const loop *loop, connection *connection)
{
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = connection};
    bool was_sent = connection->answer != NULL && connection->sent == connection->answer_len;
    if ((connection->answer == NULL || was_sent) && !receive(loop->endpoints, connection)) {
        return false;
    }
    if (connection->answer == NULL || was_sent) {
        return true;
    }
    ssize_t sent = send(connection->socket, connection->answer + connection->sent,
                        connection->answer_len - connection->sent, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        return false;
    }
    connection->sent += sent < 0 ? 0 : (size_t)sent;
    if (connection->sent == connection->answer_len) {
        /* What still comes is read and dropped: with it unread, the kernel would take the answer back. */
        shutdown(connection->socket, SHUT_WR);
        event.events = EPOLLIN;
    }
    return epoll_ctl(loop->epoll, EPOLL_CTL_MOD, connection->socket, &event) == 0;
}

static void *serve(void *argument)
{
    loop *loop = argument;
    struct epoll_event events[EVENTS];
    for (bool stopped = false; !stopped;) {
        int count = epoll_wait(loop->epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == &loop->stop) {
                stopped = true;
            } else if (events[i].data.ptr == &loop->listener) {
                take(loop);
            } else if (!proceed(loop, events[i].data.ptr)) {
                drop(loop, events[i].data.ptr);
            }
        }
    }
    while (loop->count > 0) {
        drop(loop, loop->connections[0]);
    }
    return NULL;
}

/* A socket of its own for each loop: the kernel shares connections out. */
static int listen_on(in_port_t *port)
{
    int yes = 1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = *port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) != 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 128) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &len) != 0) {
        perror("listen");
        exit(1);
    }
    *port = address.sin_port;
    return listener;
}

static bool set_up(const char *key, const char *folder, perilune_engine **engine, perilune_endpoints **endpoints,
                   perilune_error **error)
{
    static const char HELLO[] = "print('Hello', ARGS.monster or 'nobody')";
    perilune_endpoints_setup *setup = NULL;
    bool done =
        perilune_engine_new(NULL, engine, error) == PERILUNE_OK &&
        (folder == NULL ? perilune_engine_put(*engine, perilune_str("moonbase/hello"), perilune_str(HELLO), NULL, error)
                        : perilune_engine_load_dir(*engine, perilune_str(folder), NULL, error)) == PERILUNE_OK &&
        perilune_endpoints_setup_new(*engine, &setup, error) == PERILUNE_OK &&
        perilune_endpoints_setup_add_key(setup, perilune_str(NULL), perilune_str(key), error) == PERILUNE_OK &&
        perilune_endpoints_new(setup, endpoints, error) == PERILUNE_OK;
    perilune_endpoints_setup_free(setup);
    return done;
}

int main(int argc, char **argv)
{
    perilune_engine *engine = NULL;
    perilune_endpoints *endpoints = NULL;
    perilune_error *error = NULL;
    if (argc < 3) {
        fprintf(stderr, "usage: %s PORT KEY [DIR]\n", argv[0]);
        return 2;
    }
    if (!set_up(argv[2], argv[3], &engine, &endpoints, &error)) {
        fprintf(stderr, "%s\n", perilune_error_message(error).data);
        return 1;
    }

    /* Blocked in all threads, and waited for in this one. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);

    in_port_t port = htons((in_port_t)atoi(argv[1]));
    static loop loops[THREADS];
    for (int i = 0; i < THREADS; i++) {
        loop *loop = &loops[i];
        loop->endpoints = endpoints;
        loop->listener = listen_on(&port);
        loop->epoll = epoll_create1(EPOLL_CLOEXEC);
        loop->stop = eventfd(0, EFD_CLOEXEC);
        struct epoll_event listens = {.events = EPOLLIN, .data.ptr = &loop->listener};
        struct epoll_event stops = {.events = EPOLLIN, .data.ptr = &loop->stop};
        if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->listener, &listens) != 0 ||
            epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->stop, &stops) != 0 ||
            pthread_create(&loop->thread, NULL, serve, loop) != 0) {
            perror("start");
            return 1;
        }
    }
    printf("http://127.0.0.1:%d/v1.1/instances/\n", ntohs(port));
    fflush(stdout);

    int signal = 0;
    sigwait(&signals, &signal);
    for (int i = 0; i < THREADS; i++) {
        eventfd_write(loops[i].stop, 1);
        pthread_join(loops[i].thread, NULL);
        close(loops[i].listener);
        close(loops[i].epoll);
        close(loops[i].stop);
    }
    perilune_endpoints_free(endpoints);
    perilune_engine_free(engine);
    size_t left = perilune_live_objects();
    if (left > 0) {
        fprintf(stderr, "%zu objects were not freed\n", left);
    }
    return left > 0;
}
