/* A small HTTP server whose answers a script makes: GET /run?monster=Manticore, or POST /run with a JSON object.
 *
 *     cc server.c $(pkg-config --cflags --libs perilune) -lpthread && ./a.out 8080
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

enum { THREADS = 2, CONNECTIONS = 256, MAX_HEADER = 8 << 10, MAX_BODY = 64 << 10, EVENTS = 64 };

static const char SOURCE[] = "local monster = GET.monster or POST.monster or 'nobody'\n"
                             "print('Hello', monster)\n"
                             "return {hello = monster}";

/* A request is read whole, answered, and its connection closed. */
typedef struct connection {
    int socket;
    size_t used;
    size_t sent;
    size_t answer_len;
    char *answer;
    struct connection *next;
    struct connection *previous;
    char input[MAX_HEADER + MAX_BODY];
} connection;

typedef struct loop {
    pthread_t thread;
    int listener;
    int epoll;
    int stop;
    size_t count;
    connection *connections;
    const perilune_script *script;
} loop;

static void answer(connection *connection, int status, const char *reason, perilune_slice json)
{
    char head[160];
    int head_len = snprintf(head, sizeof head,
                            "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                            "Connection: close\r\n\r\n",
                            status, reason, json.len);
    connection->answer = malloc((size_t)head_len + json.len);
    if (connection->answer == NULL) {
        return;
    }
    memcpy(connection->answer, head, (size_t)head_len);
    memcpy(connection->answer + head_len, json.data, json.len);
    connection->answer_len = (size_t)head_len + json.len;
}

/* {"detail":"..."}; what a JSON string can't hold as it is becomes a question mark. */
static void refuse(connection *connection, int status, const char *reason, perilune_slice detail)
{
    char json[1024];
    size_t used = (size_t)sprintf(json, "{\"detail\":\"");
    for (size_t i = 0; i < detail.len && used < sizeof json - 8; i++) {
        unsigned char c = (unsigned char)detail.data[i];
        if (c == '"' || c == '\\') {
            json[used++] = '\\';
        }
        json[used++] = c < 0x20 || c > 0x7e ? '?' : (char)c;
    }
    memcpy(json + used, "\"}", 2);
    answer(connection, status, reason, perilune_bytes(json, used + 2));
}

static void run(const perilune_script *script, connection *connection, perilune_slice query, perilune_slice body)
{
    perilune_trace *trace = NULL;
    perilune_error *error = NULL;
    perilune_code code = perilune_script_run(script, query, body, NULL, &trace, &error);
    if (code == PERILUNE_OK) {
        answer(connection, 200, "OK", perilune_trace_json(trace));
    } else if (code == PERILUNE_PAYLOAD_ERROR) {
        refuse(connection, 400, "Bad Request", perilune_error_message(error));
    } else {
        refuse(connection, 500, "Internal Server Error", perilune_str("The script can't be run."));
    }
    perilune_trace_free(trace);
    perilune_error_free(error);
}

/* The value of Content-Length: 0 when there is none, more than MAX_BODY when it is none that we take. */
static size_t content_length(const char *head, const char *end)
{
    static const char NAME[] = "\r\nContent-Length:";
    size_t name_len = sizeof NAME - 1;
    for (const char *at = head; at + name_len < end; at++) {
        if (strncasecmp(at, NAME, name_len) == 0) {
            size_t length = 0;
            at += name_len;
            while (*at == ' ') {
                at++;
            }
            for (; *at >= '0' && *at <= '9' && length <= MAX_BODY; at++) {
                length = length * 10 + (size_t)(*at - '0');
            }
            return *at == '\r' || length > MAX_BODY ? length : MAX_BODY + 1;
        }
    }
    return 0;
}

/* Answers what was read, if that is a whole request or will never be one. */
static void consider(const perilune_script *script, connection *connection)
{
    const char *input = connection->input;
    const char *end = memmem(input, connection->used, "\r\n\r\n", 4);
    if (end == NULL || end - input > MAX_HEADER - 4) {
        if (end != NULL || connection->used >= MAX_HEADER) {
            refuse(connection, 431, "Request Header Fields Too Large", perilune_str("The header is too large."));
        }
        return;
    }
    end += 2;
    const char *body = end + 2;
    size_t length = content_length(input, end);
    if (length > MAX_BODY) {
        refuse(connection, 413, "Content Too Large", perilune_str("The body is too large."));
        return;
    }
    if (connection->used - (size_t)(body - input) < length) {
        return;
    }
    bool get = strncmp(input, "GET ", 4) == 0;
    bool post = strncmp(input, "POST ", 5) == 0;
    const char *target = input + (get ? 4 : 5);
    const char *line = memchr(input, '\r', connection->used);
    const char *target_end = get || post ? memchr(target, ' ', (size_t)(line - target)) : NULL;
    if (target_end == NULL) {
        refuse(connection, 400, "Bad Request", perilune_str("Only GET and POST are known."));
        return;
    }
    const char *query = memchr(target, '?', (size_t)(target_end - target));
    const char *path_end = query == NULL ? target_end : query;
    if (path_end - target != 4 || memcmp(target, "/run", 4) != 0) {
        refuse(connection, 404, "Not Found", perilune_str("Not found"));
        return;
    }
    query = query == NULL ? target_end : query + 1;
    run(script, connection, perilune_bytes(query, (size_t)(target_end - query)), perilune_bytes(body, post ? length : 0));
}

static void drop(loop *loop, connection *connection)
{
    if (connection->previous != NULL) {
        connection->previous->next = connection->next;
    } else {
        loop->connections = connection->next;
    }
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    }
    loop->count--;
    close(connection->socket);
    free(connection->answer);
    free(connection);
}

static void take(loop *loop)
{
    int socket = accept4(loop->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) {
        return;
    }
    connection *connection = loop->count < CONNECTIONS ? malloc(sizeof *connection) : NULL;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (connection == NULL || epoll_ctl(loop->epoll, EPOLL_CTL_ADD, socket, &event) != 0) {
        free(connection);
        close(socket);
        return;
    }
    connection->socket = socket;
    connection->used = connection->sent = connection->answer_len = 0;
    connection->answer = NULL;
    connection->previous = NULL;
    connection->next = loop->connections;
    if (connection->next != NULL) {
        connection->next->previous = connection;
    }
    loop->connections = connection;
    loop->count++;
}

/* Whether the connection goes on. */
static bool proceed(const loop *loop, connection *connection)
{
    if (connection->answer == NULL) {
        ssize_t got = recv(connection->socket, connection->input + connection->used,
                           sizeof connection->input - connection->used, 0);
        if (got <= 0) {
            return got < 0 && (errno == EAGAIN || errno == EINTR);
        }
        connection->used += (size_t)got;
        consider(loop->script, connection);
        if (connection->answer == NULL) {
            return connection->used < sizeof connection->input;
        }
    }
    ssize_t sent = send(connection->socket, connection->answer + connection->sent,
                        connection->answer_len - connection->sent, MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            return false;
        }
        sent = 0;
    }
    connection->sent += (size_t)sent;
    if (connection->sent == connection->answer_len) {
        shutdown(connection->socket, SHUT_WR);
        return false;
    }
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = connection};
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
    while (loop->connections != NULL) {
        drop(loop, loop->connections);
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

int main(int argc, char **argv)
{
    perilune_engine *engine = NULL;
    perilune_script *script = NULL;
    perilune_error *error = NULL;
    if (perilune_engine_new(NULL, &engine, &error) != PERILUNE_OK ||
        perilune_engine_compile(engine, perilune_str("run"), perilune_str(SOURCE), &script, &error) !=
            PERILUNE_OK) {
        fprintf(stderr, "%s\n", perilune_error_message(error).data);
        return 1;
    }

    /* Blocked in all threads, and waited for in this one. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);

    in_port_t port = htons((in_port_t)(argc > 1 ? atoi(argv[1]) : 8080));
    static loop loops[THREADS];
    for (int i = 0; i < THREADS; i++) {
        loop *loop = &loops[i];
        loop->script = script;
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
    printf("http://127.0.0.1:%d/run\n", ntohs(port));
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
    perilune_script_free(script);
    perilune_engine_free(engine);
    size_t left = perilune_live_objects();
    if (left > 0) {
        fprintf(stderr, "%zu objects were not freed\n", left);
    }
    return left > 0;
}
