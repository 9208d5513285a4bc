/* The load generator: thousands of WebSocket clients in one thread.
 *
 * It must cost less than what it measures. So it is one epoll loop in C; frames
 * are made once and found by their first bytes instead of being parsed as JSON;
 * one receive takes all that a socket has, into a buffer that all share. `--mode
 * ceiling` says how much of that it can take.
 *
 * It believes nothing: every timeline event has to carry the next seq of its
 * room (for a relay, which has none, the next number of its one sender), and a
 * run ends only when every client has everything. What is wrong or missing is
 * counted in the result, and the exit status is 1.
 *
 * Three kinds of server: `chatd`; `relay`, which sends what one client sends to
 * all of them, and is given the very bytes that chatd would deliver; `echo`,
 * which sends it back.
 *
 * A run has phases: connect everybody, warm up, measure, and tell in one line of
 * JSON. Options are described where they are parsed, in `main`.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef TLS
#include <openssl/ssl.h>
#endif

enum { BUFFER = 262144, IN_FLIGHT_MAX = 4096, EVENTS = 1024, CODES = 5000, DIGITS = 38 };
enum kind { CHATD, RELAY, ECHO };
enum state { DOWN, CONNECTING, UPGRADING, ENTERING, READY };

static struct {
    struct sockaddr_in to;
    pid_t pid;
    const char *mode;
    enum kind kind;
    bool tls;
    int base, connections, rooms, members, senders, inflight, text, flooders, stalled, fragment_every;
    int handshakes, missed;
    long messages, warmup;
    double rate, seconds, settle, stall_s, timeout;
} opt = {.mode = "fanout", .connections = 100, .rooms = 1, .members = 100, .senders = 1,
         .inflight = 1, .text = 100, .handshakes = 128, .messages = 1000, .warmup = -1,
         .seconds = 10, .settle = 5, .timeout = 120};

struct client {
    int fd, room;
    enum state state;
    bool sender, flooder, is_stalled, asleep, rejoining, writable_wanted, behind;
    int tries;
    uint8_t *rest;      /* the part of a frame that has come */
    uint32_t rest_len;
    uint8_t *out;       /* what the socket has not taken */
    uint32_t out_len, out_at;
    uint64_t last, target; /* the newest seq that was seen; the one to reach */
    uint64_t retry_at;
    char epoch[20], session[128];
    long sent, acked, quota;
    uint64_t *at;       /* when each message in flight was sent */
#ifdef TLS
    SSL *ssl;
#endif
};

static struct client *clients;
static int client_count, ready_count, opening_count, behind_count, ep;
static uint8_t buffer[BUFFER * 2];
static bool measuring, may_reconnect = true;
static long deliveries, acks, lost, twice, gaps, recovered, unrecovered, closed_4002, resumed;
static long presence_frames, presence_bytes;
static int closes[CODES];
static struct { char code[24]; long count; } errors[32];
#ifdef TLS
static SSL_CTX *tls_context;
#endif

/* --- time and numbers ---------------------------------------------------- */

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double cpu_of(clockid_t clock) {
    struct timespec t;
    if (clock_gettime(clock, &t)) return 0;
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double server_cpu(void) {
    clockid_t clock;
    return opt.pid && !clock_getcpuclockid(opt.pid, &clock) ? cpu_of(clock) : 0;
}

static long server_rss_kib(void) {
    char path[64], line[256];
    long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", opt.pid);
    FILE *file = opt.pid ? fopen(path, "r") : NULL;
    while (file && fgets(line, sizeof line, file)) sscanf(line, "VmRSS: %ld", &kib);
    if (file) fclose(file);
    return kib;
}

/* Log-linear buckets, 128 to each power of two: less than 1 % wrong. */
enum { SUB = 128 };
struct histogram { uint64_t count, max, buckets[64 * SUB]; };
static struct histogram delivery, ack;

static void record(struct histogram *h, uint64_t ns) {
    int top = 63 - __builtin_clzll(ns | SUB), shift = top - 7;
    h->buckets[shift * SUB + (int)(ns >> shift)]++;
    h->count++;
    if (ns > h->max) h->max = ns;
}

static double quantile_ms(const struct histogram *h, double part) {
    uint64_t rank = (uint64_t)(part * (double)h->count), seen = 0;
    for (int i = 0; i < 64 * SUB; i++) {
        seen += h->buckets[i];
        if (h->buckets[i] && seen > rank) {
            int shift = i < 2 * SUB ? 0 : i / SUB - 1;
            return (double)((uint64_t)(i - shift * SUB) << shift) / 1e6;
        }
    }
    return (double)h->max / 1e6;
}

static void die(const char *format, ...) {
    va_list list;
    va_start(list, format);
    fprintf(stderr, "load: ");
    vfprintf(stderr, format, list);
    fprintf(stderr, "\n");
    va_end(list);
    exit(1);
}

/* --- sockets ------------------------------------------------------------- */

static void watch(struct client *c, int how) {
    struct epoll_event e = {.events = EPOLLIN | (c->writable_wanted ? EPOLLOUT : 0), .data.ptr = c};
    if (epoll_ctl(ep, how, c->fd, &e)) die("epoll_ctl: %s", strerror(errno));
}

static void want_writable(struct client *c, bool wanted) {
    if (c->writable_wanted != wanted) {
        c->writable_wanted = wanted;
        watch(c, EPOLL_CTL_MOD);
    }
}

/* As recv and send, with TLS underneath where it was asked for. */
static ssize_t take(struct client *c, void *data, size_t size) {
#ifdef TLS
    if (c->ssl) {
        size_t total = 0;
        while (total < size) {
            int n = SSL_read(c->ssl, (char *)data + total, (int)(size - total));
            if (n > 0) { total += (size_t)n; continue; }
            int why = SSL_get_error(c->ssl, n);
            if (total) break;
            if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) { errno = EAGAIN; return -1; }
            return 0;
        }
        return (ssize_t)total;
    }
#endif
    return recv(c->fd, data, size, 0);
}

static ssize_t give(struct client *c, const void *data, size_t size) {
#ifdef TLS
    if (c->ssl) {
        int n = SSL_write(c->ssl, data, (int)size);
        if (n > 0) return n;
        int why = SSL_get_error(c->ssl, n);
        errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : EPIPE;
        return -1;
    }
#endif
    return send(c->fd, data, size, MSG_NOSIGNAL);
}

static void flush_out(struct client *c) {
    while (c->out_at < c->out_len) {
        ssize_t n = give(c, c->out + c->out_at, c->out_len - c->out_at);
        if (n < 0) break;
        c->out_at += (uint32_t)n;
    }
    if (c->out_at == c->out_len) c->out_at = c->out_len = 0;
    want_writable(c, c->out_len > 0 || c->flooder);
}

static void put(struct client *c, const void *data, size_t size) {
    size_t sent = 0;
    if (!c->out_len) {
        ssize_t n = give(c, data, size);
        if (n > 0) sent = (size_t)n;
    }
    if (sent < size) {
        c->out = realloc(c->out, c->out_len + size - sent);
        memcpy(c->out + c->out_len, (const char *)data + sent, size - sent);
        c->out_len += (uint32_t)(size - sent);
        want_writable(c, true);
    }
}

/* A client's frame, masked with four zeros: allowed, and it costs nothing. */
static size_t frame(uint8_t *at, int first, const char *payload, size_t size) {
    size_t head = size < 126 ? 6 : 8;
    at[0] = (uint8_t)first;
    if (size < 126) at[1] = (uint8_t)(0x80 | size);
    else { at[1] = 0x80 | 126; at[2] = (uint8_t)(size >> 8); at[3] = (uint8_t)size; }
    memset(at + head - 4, 0, 4);
    memcpy(at + head, payload, size);
    return head + size;
}

static void say(struct client *c, const char *format, ...) {
    char text[512];
    uint8_t bytes[600];
    va_list list;
    va_start(list, format);
    int size = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    put(c, bytes, frame(bytes, 0x81, text, (size_t)size));
}

static void begin(struct client *c) {
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0) die("socket: %s", strerror(errno));
    int one = 1, small = 65536;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (c->is_stalled) setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    /* Several addresses of this machine, so that there are ports enough. */
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    struct sockaddr_in from = {.sin_family = AF_INET};
    from.sin_addr.s_addr = htonl(0x7f000101u + (uint32_t)((c - clients) % 8));
    bind(c->fd, (struct sockaddr *)&from, sizeof from);
    c->state = CONNECTING;
    c->writable_wanted = true;
    opening_count++;
    if (connect(c->fd, (struct sockaddr *)&opt.to, sizeof opt.to) && errno != EINPROGRESS)
        die("connect: %s", strerror(errno));
    watch(c, EPOLL_CTL_ADD);
}

static void drop(struct client *c) {
#ifdef TLS
    if (c->ssl) SSL_free(c->ssl);
    c->ssl = NULL;
#endif
    close(c->fd);
    if (c->state == READY) ready_count--;
    else if (c->state != DOWN) opening_count--;
    c->state = DOWN;
    c->fd = -1;
    c->rest_len = c->out_len = c->out_at = 0;
    c->writable_wanted = c->rejoining = false;
    /* Full jitter, from 0.1 s on: many come back at once. */
    uint64_t most = 100000000ull << (c->tries < 6 ? c->tries : 6);
    c->retry_at = now_ns() + (uint64_t)(drand48() * (double)most);
    c->tries++;
}

static void upgrade(struct client *c) {
    char head[512];
    int size = snprintf(head, sizeof head,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        opt.kind == CHATD ? "/ws" : "/");
    c->state = UPGRADING;
    put(c, head, (size_t)size);
}

static void ready(struct client *c) {
    if (c->state != READY) { opening_count--; ready_count++; }
    c->state = READY;
    c->tries = 0;
}

/* --- what the server sends ----------------------------------------------- */

static bool starts(const char *data, size_t size, const char *with) {
    size_t length = strlen(with);
    return size >= length && !memcmp(data, with, length);
}

static const char *after(const char *data, size_t size, const char *what) {
    const char *at = memmem(data, size, what, strlen(what));
    return at ? at + strlen(what) : NULL;
}

static uint64_t number(const char *at, int digits) {
    uint64_t value = 0;
    for (int i = 0; i < digits && at[i] >= '0' && at[i] <= '9'; i++)
        value = value * 10 + (uint64_t)(at[i] - '0');
    return value;
}

static void text_of(char *to, size_t room, const char *at, const char *end) {
    size_t n = 0;
    while (at && at < end && *at != '"' && n + 1 < room) to[n++] = *at++;
    to[n] = 0;
}

static void note_error(const char *data, size_t size) {
    char code[24];
    text_of(code, sizeof code, after(data, size, "\"code\":\""), data + size);
    for (int i = 0; i < 32; i++) {
        if (!errors[i].count) strcpy(errors[i].code, code);
        if (!strcmp(errors[i].code, code)) {
            if (!errors[i].count++) fprintf(stderr, "load: error: %.*s\n", (int)size, data);
            return;
        }
    }
}

static void join(struct client *c) {
    if (c->epoch[0])
        say(c, "{\"type\":\"join\",\"room\":\"r%d\",\"since\":%llu,\"epoch\":\"%s\"}", c->room,
            (unsigned long long)c->last, c->epoch);
    else
        say(c, "{\"type\":\"join\",\"room\":\"r%d\"}", c->room);
}

static void arrived(struct client *c, uint64_t seq) {
    if (seq <= c->last) { twice++; return; }
    if (seq > c->last + 1) lost += (long)(seq - c->last - 1);
    c->last = seq;
    if (c->behind && seq >= c->target) { c->behind = false; behind_count--; }
}

static void acked(struct client *c) {
    if (measuring) {
        record(&ack, now_ns() - c->at[c->acked % IN_FLIGHT_MAX]);
        acks++;
    }
    c->acked++;
}

/* Where the seq and the text of a message begin: the fields' order is known, so
 * nothing is searched for but the ends of two names. */
static bool find_fields(const char *data, size_t size, const char **seq, const char **text) {
    const char *end = data + size, *at = memchr(data + 26, '"', size - 26);
    if (!at || end - at < 60 || memcmp(at, "\",\"seq\":", 8)) return false;
    *seq = at += 8;
    while (*at >= '0' && *at <= '9') at++;
    at += 7 + 24 + 10; /* ,"ts":"2026-11-22T20:31:28.123Z","from":" */
    at = at < end ? memchr(at, '"', (size_t)(end - at)) : NULL;
    if (!at || end - at < 10 + DIGITS || memcmp(at, "\",\"text\":\"", 10)) return false;
    *text = at + 10;
    return true;
}

/* A message: who sent it when is written in its text. */
static void message(struct client *c, const char *data, size_t size, uint64_t now) {
    const char *digits, *text;
    if (!find_fields(data, size, &digits, &text)) die("cannot read: %.*s", (int)size, data);
    uint64_t seq;
    if (opt.kind == CHATD) {
        seq = number(digits, 19);
        if (seq > c->last + 1) {
            /* The client loop of the protocol: join again from where one is. */
            if (!c->rejoining) { c->rejoining = true; join(c); }
            return;
        }
        if (c->rejoining) return;
    } else {
        seq = number(text + 6, 12);
        if (c->sender) acked(c);
    }
    arrived(c, seq);
    if (measuring && !c->is_stalled) {
        deliveries++;
        record(&delivery, now - number(text + 18, 20));
    }
}

static void other(struct client *c, const char *data, size_t size) {
    const char *end = data + size;
    if (starts(data, size, "{\"type\":\"presence\"")) {
        presence_frames++;
        presence_bytes += (long)size;
    } else if (starts(data, size, "{\"type\":\"welcome\"")) {
        text_of(c->session, sizeof c->session, after(data, size, "\"session\":\""), end);
        if (!strcmp(opt.mode, "ping") || !strcmp(opt.mode, "pipeline")) ready(c);
    } else if (starts(data, size, "{\"type\":\"ok\"") && after(data, size, "\"re\":\"join\"")) {
        uint64_t head = number(after(data, size, "\"seq\":"), 19);
        bool all = memmem(data, size, "\"recovered\":true", 16);
        bool was = c->epoch[0];
        if (was) { if (all) recovered++; else unrecovered++; }
        text_of(c->epoch, sizeof c->epoch, after(data, size, "\"epoch\":\""), end);
        c->rejoining = false;
        if (!was) c->last = head;
        else if (!all) arrived(c, head);
    } else if (starts(data, size, "{\"type\":\"caught_up\"")) {
        if (c->tries && c->is_stalled) resumed++;
        ready(c);
    } else if (starts(data, size, "{\"type\":\"gap\"")) {
        gaps++;
        if (!c->rejoining) { c->rejoining = true; join(c); }
    } else if (starts(data, size, "{\"type\":\"error\"")) {
        note_error(data, size);
    }
}

static void text_frame(struct client *c, const char *data, size_t size, uint64_t now) {
    if (opt.kind == ECHO) { acked(c); return; }
    if (starts(data, size, "{\"type\":\"message\"")) message(c, data, size, now);
    else if (starts(data, size, "{\"type\":\"ok\",\"re\":\"send\"")) acked(c);
    else if (starts(data, size, "{\"type\":\"ok\",\"re\":\"ping\"")) acked(c);
    else other(c, data, size);
}

/* Returns how many bytes were whole frames; the rest is kept for later. */
static size_t frames(struct client *c, uint8_t *data, size_t size, uint64_t now) {
    size_t at = 0;
    while (size - at >= 2) {
        size_t head = 2, length = data[at + 1] & 127;
        if (length == 126) {
            if (size - at < 4) break;
            head = 4;
            length = (size_t)data[at + 2] << 8 | data[at + 3];
        } else if (length == 127) {
            if (size - at < 10) break;
            head = 10;
            length = 0;
            for (int i = 2; i < 10; i++) length = length << 8 | data[at + i];
        }
        if (size - at < head + length) break;
        const char *payload = (const char *)data + at + head;
        int opcode = data[at] & 15;
        at += head + length;
        if (opcode == 1) {
            text_frame(c, payload, length, now);
        } else if (opcode == 9) {
            uint8_t pong[140];
            put(c, pong, frame(pong, 0x8a, payload, length));
        } else if (opcode == 8) {
            int code = length >= 2 ? (uint8_t)payload[0] << 8 | (uint8_t)payload[1] : 1005;
            if (code < CODES) closes[code]++;
            if (code == 4002) closed_4002++;
            return SIZE_MAX;
        }
    }
    return at;
}

static void keep(struct client *c, const uint8_t *data, size_t size) {
    c->rest_len = (uint32_t)size;
    if (!size) return;
    c->rest = realloc(c->rest, size);
    memcpy(c->rest, data, size);
}

static void readable(struct client *c) {
    size_t have = c->rest_len;
    if (have) memcpy(buffer, c->rest, have);
    ssize_t n = take(c, buffer + have, BUFFER);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        drop(c);
        return;
    }
    size_t size = have + (size_t)n, used = 0;
    if (c->state == UPGRADING) {
        const char *end = memmem(buffer, size, "\r\n\r\n", 4);
        if (!end) { keep(c, buffer, size); return; }
        if (!starts((char *)buffer, size, "HTTP/1.1 101")) {
            int code = atoi((char *)buffer + 9);
            if (code > 0 && code < CODES) closes[code]++;
            drop(c);
            return;
        }
        used = (size_t)(end + 4 - (char *)buffer);
        c->state = ENTERING;
        if (opt.kind != CHATD) ready(c);
    }
    size_t whole = frames(c, buffer + used, size - used, now_ns());
    if (whole == SIZE_MAX) { drop(c); return; }
    keep(c, buffer + used + whole, size - used - whole);
}

static uint8_t flood[4096];
static size_t flood_size;

static void writable(struct client *c) {
    if (c->state == CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error) { drop(c); return; }
#ifdef TLS
        if (opt.tls) {
            if (!c->ssl) {
                c->ssl = SSL_new(tls_context);
                SSL_set_fd(c->ssl, c->fd);
            }
            int n = SSL_connect(c->ssl);
            if (n <= 0) {
                int why = SSL_get_error(c->ssl, n);
                if (why == SSL_ERROR_WANT_READ) want_writable(c, false);
                else if (why != SSL_ERROR_WANT_WRITE) drop(c);
                return;
            }
        }
#endif
        want_writable(c, false);
        upgrade(c);
        if (opt.kind == CHATD) {
            if (c->session[0]) say(c, "{\"type\":\"hello\",\"session\":\"%s\"}", c->session);
            else say(c, "{\"type\":\"hello\",\"name\":\"ann\"}");
            if (strcmp(opt.mode, "ping") && strcmp(opt.mode, "pipeline")) join(c);
        }
        return;
    }
    flush_out(c);
    if (c->flooder && !c->out_len) put(c, flood, flood_size);
    if (c->flooder) want_writable(c, true);
}

/* One round of the loop. */
static void turn(int wait_ms) {
    static struct epoll_event events[EVENTS];
    int n = epoll_wait(ep, events, EVENTS, wait_ms);
    for (int i = 0; i < n; i++) {
        struct client *c = events[i].data.ptr;
        if (!c) continue; /* standard input: whoever waits for it looks */
        if (c->fd < 0) continue;
        if (c->state == CONNECTING) { writable(c); continue; }
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(c);
        if (c->fd >= 0 && events[i].events & EPOLLOUT) writable(c);
    }
    if (!may_reconnect || ready_count == client_count) return;
    uint64_t now = now_ns();
    for (int i = 0; i < client_count && opening_count < opt.handshakes; i++)
        if (clients[i].state == DOWN && !clients[i].asleep && clients[i].retry_at <= now) begin(&clients[i]);
}

static uint64_t deadline;

static void check_time(const char *what) {
    if (now_ns() < deadline) return;
    for (int i = 0, told = 0; i < client_count && told < 3; i++)
        if (clients[i].behind && ++told)
            fprintf(stderr, "load: client %d has %llu of %llu%s\n", i, (unsigned long long)clients[i].last,
                    (unsigned long long)clients[i].target, clients[i].rejoining ? ", and joins again" : "");
    die("time is up: %s; %d of %d are ready, %d are behind, %ld acks, %ld deliveries", what,
        ready_count, client_count, behind_count, acks, deliveries);
}

static void pass_time(double seconds) {
    uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);
    while (now_ns() < end) turn(10);
}

/* --- sending ------------------------------------------------------------- */

/* One message of a sender, as a client's frame, at `to`. */
static size_t make_message(struct client *c, uint8_t *to, uint64_t now) {
    char text[8192], json[9000];
    int id = (int)(c - clients);
    int size = snprintf(text, sizeof text, "%06d%012ld%020llu", id, c->sent + 1, (unsigned long long)now);
    if (opt.text > size) memset(text + size, 'x', (size_t)(opt.text - size));
    text[opt.text > size ? opt.text : size] = 0;
    if (opt.kind == CHATD)
        size = snprintf(json, sizeof json, "{\"type\":\"send\",\"room\":\"r%d\",\"text\":\"%s\"}", c->room, text);
    else /* what chatd would deliver, to the byte */
        size = snprintf(json, sizeof json,
            "{\"type\":\"message\",\"room\":\"r%d\",\"seq\":%ld,\"ts\":\"2026-11-22T20:31:28.123Z\","
            "\"from\":\"ann~4f7k\",\"text\":\"%s\"}", c->room, c->sent + 1, text);
    return frame(to, 0x81, json, (size_t)size);
}

static size_t make_ping(struct client *c, uint8_t *to) {
    char json[64];
    int size = snprintf(json, sizeof json, "{\"type\":\"ping\",\"id\":%ld}", 1000000 + c->sent);
    if (opt.fragment_every && c->sent % opt.fragment_every == opt.fragment_every - 1) {
        size_t first = frame(to, 0x01, json, 10);
        return first + frame(to + first, 0x80, json + 10, (size_t)size - 10);
    }
    return frame(to, 0x81, json, (size_t)size);
}

/* Fill the sender's window; all of it is one write. */
static void pump(struct client *c, bool pings, long most) {
    static uint8_t bytes[BUFFER];
    size_t size = 0;
    if (c->state != READY || c->out_len) return;
    uint64_t now = now_ns();
    while (c->sent < c->quota && c->sent - c->acked < opt.inflight && most-- && size < BUFFER - 16384) {
        c->at[c->sent % IN_FLIGHT_MAX] = now;
        size += pings ? make_ping(c, bytes + size) : make_message(c, bytes + size, now);
        c->sent++;
    }
    if (size) put(c, bytes, size);
}

static void pump_all(bool pings) {
    for (int i = 0; i < client_count; i++)
        if (clients[i].sender && clients[i].sent - clients[i].acked < opt.inflight) pump(&clients[i], pings, -1);
}

/* Send `count` messages from every sender and wait until all have come to all. */
static void exchange(long count, bool pings) {
    uint64_t begun = now_ns(), woken = begun + (uint64_t)(opt.stall_s * 1e9);
    long total = 0, total_sent = 0;
    uint64_t next = 0; /* pings go in bundles: one that pipelines is what is measured */
    bool sleeping = false;
    static unsigned turn_of;
    static uint64_t per_room[65536];
    memset(per_room, 0, sizeof per_room);
    for (int i = 0; i < client_count; i++) {
        struct client *c = &clients[i];
        if (c->sender) { c->quota += count; total += count; per_room[c->room] += (uint64_t)count; }
    }
    behind_count = 0;
    for (int i = 0; i < client_count && !pings; i++) {
        struct client *c = &clients[i];
        c->target = c->last + per_room[c->room];
        c->behind = c->target > c->last;
        behind_count += c->behind;
        if (c->is_stalled && measuring) {
            epoll_ctl(ep, EPOLL_CTL_DEL, c->fd, NULL);
            c->asleep = sleeping = true;
        }
    }
    for (;;) {
        if (opt.rate > 0 && (!pings || now_ns() >= next)) {
            next = now_ns() + 20000000;
            long due = (long)((double)(now_ns() - begun) / 1e9 * opt.rate) + 1;
            /* One after the other, so that each has its part of the rate. */
            for (int i = 0; i < client_count && total_sent < due && total_sent < total; i++) {
                struct client *c = &clients[turn_of++ % client_count];
                if (c->sender) {
                    long before = c->sent;
                    pump(c, pings, pings ? due - total_sent : 1);
                    total_sent += c->sent - before;
                }
            }
        } else if (opt.rate <= 0) {
            pump_all(pings);
        }
        bool sent = true;
        for (int i = 0; i < client_count; i++) sent &= clients[i].acked >= clients[i].quota;
        if (sleeping && (opt.stall_s > 0 ? now_ns() >= woken : sent)) {
            sleeping = false;
            for (int i = 0; i < client_count; i++)
                if (clients[i].asleep) { clients[i].asleep = false; watch(&clients[i], EPOLL_CTL_ADD); }
        }
        if (sent && !behind_count) return;
        check_time("messages are missing");
        turn(opt.rate > 0 ? 1 : 100);
    }
}

/* --- results ------------------------------------------------------------- */

static struct { double wall, server, load; } begun;

static void begin_measuring(void) {
    memset(&delivery, 0, sizeof delivery);
    memset(&ack, 0, sizeof ack);
    deliveries = acks = 0;
    measuring = true;
    begun.server = server_cpu();
    begun.load = cpu_of(CLOCK_PROCESS_CPUTIME_ID);
    begun.wall = (double)now_ns() / 1e9;
}

static void print_latency(const char *name, const struct histogram *h) {
    if (!h->count) return;
    printf(",\"%s\":{\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f}", name,
           quantile_ms(h, .5), quantile_ms(h, .9), quantile_ms(h, .99), quantile_ms(h, .999),
           (double)h->max / 1e6);
}

static int tell(long messages, long rss_before, const char *more) {
    double wall = (double)now_ns() / 1e9 - begun.wall, server = server_cpu() - begun.server;
    double load = cpu_of(CLOCK_PROCESS_CPUTIME_ID) - begun.load;
    printf("{\"mode\":\"%s\",\"wall_s\":%.6f,\"messages\":%ld,\"deliveries\":%ld,\"acks\":%ld,"
           "\"server_cpu_s\":%.6f,\"load_cpu_s\":%.6f,\"server_rss_before_kib\":%ld,"
           "\"server_rss_after_kib\":%ld,\"lost\":%ld,\"dup\":%ld,\"gaps\":%ld",
           opt.mode, wall, messages, deliveries, acks, server, load, rss_before, server_rss_kib(),
           lost, twice, gaps);
    print_latency("delivery_ms", &delivery);
    print_latency("ack_ms", &ack);
    const char *between = "";
    printf(",\"closes\":{");
    for (int i = 0; i < CODES; i++)
        if (closes[i]) { printf("%s\"%d\":%d", between, i, closes[i]); between = ","; }
    printf("},\"errors\":{");
    long wrong = 0;
    for (int i = 0; i < 32 && errors[i].count; i++) {
        printf("%s\"%s\":%ld", i ? "," : "", errors[i].code, errors[i].count);
        wrong += errors[i].count;
    }
    printf("}%s}\n", more);
    return lost || twice || wrong ? 1 : 0;
}

/* --- modes --------------------------------------------------------------- */

static void connect_all(void) {
    while (ready_count < client_count) {
        check_time("connecting");
        turn(100);
    }
}

static int run_fanout(void) {
    char more[256] = "";
    bool pings = strcmp(opt.mode, "fanout") != 0;
    long rss = server_rss_kib(), per_sender = opt.messages, warmup = opt.warmup;
    if (opt.rate > 0) per_sender = (long)(opt.rate * opt.seconds) / (pings ? opt.connections : opt.senders * opt.rooms);
    if (warmup < 0) warmup = per_sender / 10 + 1;
    connect_all();
    pass_time(0.5);
    exchange(warmup, pings);
    begin_measuring();
    exchange(per_sender, pings);
    measuring = false;
    long senders = 0;
    for (int i = 0; i < client_count; i++) senders += clients[i].sender;
    if (opt.stalled)
        snprintf(more, sizeof more, ",\"stalled\":{\"count\":%d,\"gaps\":%ld,\"closed_4002\":%ld,\"resumed\":%ld}",
                 opt.stalled, gaps, closed_4002, resumed);
    return tell(senders * per_sender, rss, more);
}

static int run_idle(void) {
    char more[256];
    long rss = server_rss_kib();
    connect_all();
    pass_time(opt.settle);
    long full = server_rss_kib();
    begin_measuring();
    double cpu = server_cpu();
    pass_time(opt.seconds);
    cpu = server_cpu() - cpu;
    snprintf(more, sizeof more, ",\"rss_per_connection_bytes\":%.0f,\"quiet_cpu_share\":%.5f",
             (double)(full - rss) * 1024 / client_count, cpu / opt.seconds);
    return tell(0, rss, more);
}

static int run_resume(void) {
    char more[512];
    long rss = server_rss_kib();
    connect_all();
    exchange(opt.messages, false);
    pass_time(opt.settle);
    memset(closes, 0, sizeof closes);
    presence_frames = presence_bytes = recovered = unrecovered = 0;
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(ep, EPOLL_CTL_ADD, 0, &e);
    fcntl(0, F_SETFL, O_NONBLOCK);
    may_reconnect = false;
    fprintf(stderr, "READY\n");
    char line[64];
    ssize_t n = -1;
    while (n <= 0) {
        turn(100);
        n = read(0, line, sizeof line - 1);
        if (!n) die("standard input has ended");
        check_time("waiting for the word to come back");
    }
    line[n] = 0;
    epoll_ctl(ep, EPOLL_CTL_DEL, 0, NULL);
    opt.pid = atoi(line); /* the new daemon's */
    for (int i = 0; i < client_count; i++) {
        struct client *c = &clients[i];
        if (c->state != DOWN) drop(c);
        c->retry_at = 0;
        c->tries = 0;
        c->target = c->last;
        c->last -= c->last < (uint64_t)opt.missed ? c->last : (uint64_t)opt.missed;
        c->behind = c->last < c->target;
        behind_count += c->behind;
    }
    may_reconnect = true;
    begin_measuring();
    measuring = false;
    while (ready_count < client_count || behind_count) {
        check_time("catching up");
        turn(10);
    }
    double caught_up = (double)now_ns() / 1e9 - begun.wall;
    double cpu = server_cpu() - begun.server;
    pass_time(opt.settle);
    snprintf(more, sizeof more,
             ",\"caught_up_s\":%.3f,\"caught_up_cpu_s\":%.3f,\"presence_frames\":%ld,\"presence_bytes\":%ld,"
             "\"recovered\":%ld,\"unrecovered\":%ld", caught_up, cpu, presence_frames, presence_bytes,
             recovered, unrecovered);
    return tell(0, rss, more);
}

/* What the generator itself can take in: prepared frames from another process
 * that does nothing but send, first one to a socket at a time, then 64. */
static int run_ceiling(void) {
    int many = opt.members, listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    if (bind(listener, (struct sockaddr *)&at, size) || listen(listener, many)) die("listen");
    getsockname(listener, (struct sockaddr *)&at, &size);
    opt.to = at;
    opt.kind = RELAY;
    double cost[2], wall[2];
    for (int round = 0; round < 2; round++) {
        int batch = round ? 64 : 1;
        long rounds = opt.messages / batch + 1, sent = rounds * batch;
        pid_t child = fork();
        if (!child) {
            int *to = calloc((size_t)many, sizeof *to);
            for (int i = 0; i < many; i++) to[i] = accept(listener, NULL, NULL);
            struct client c = {.room = 0};
            clients = &c;
            for (long r = 0; r < rounds; r++) {
                static uint8_t bytes[65536], masked[1024];
                size_t length = 0;
                for (int k = 0; k < batch; k++) {
                    size_t n = make_message(&c, masked, now_ns());
                    c.sent++;
                    bytes[length] = 0x81; /* without the mask: a server's frame */
                    bytes[length + 1] = 126;
                    memcpy(bytes + length + 2, masked + 2, 2);
                    memcpy(bytes + length + 4, masked + 8, n - 8);
                    length += n - 4;
                }
                for (int i = 0; i < many; i++)
                    for (size_t done = 0; done < length;) {
                        ssize_t n = send(to[i], bytes + done, length - done, MSG_NOSIGNAL);
                        if (n < 0) _exit(1);
                        done += (size_t)n;
                    }
            }
            pause();
            _exit(0);
        }
        client_count = many;
        clients = calloc((size_t)many, sizeof *clients);
        may_reconnect = false;
        for (int i = 0; i < many; i++) {
            struct client *c = &clients[i];
            c->fd = socket(AF_INET, SOCK_STREAM, 0);
            if (connect(c->fd, (struct sockaddr *)&at, sizeof at)) die("connect: %s", strerror(errno));
            fcntl(c->fd, F_SETFL, O_NONBLOCK);
            c->state = READY;
            c->behind = true;
            c->target = (uint64_t)sent;
            watch(c, EPOLL_CTL_ADD);
        }
        behind_count = ready_count = many;
        begin_measuring();
        while (behind_count) { turn(100); check_time("the ceiling"); }
        wall[round] = ((double)now_ns() / 1e9 - begun.wall) / (double)deliveries * 1e6;
        cost[round] = (cpu_of(CLOCK_PROCESS_CPUTIME_ID) - begun.load) / (double)deliveries * 1e6;
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        for (int i = 0; i < many; i++) close(clients[i].fd);
    }
    char more[256];
    snprintf(more, sizeof more, ",\"cpu_us_1\":%.3f,\"cpu_us_64\":%.3f,\"wall_us_1\":%.3f,\"wall_us_64\":%.3f",
             cost[0], cost[1], wall[0], wall[1]);
    return tell(0, 0, more);
}

/* --- options ------------------------------------------------------------- */

static void make_clients(void) {
    bool fanout = !strcmp(opt.mode, "fanout");
    int members = fanout ? opt.rooms * opt.members : opt.connections;
    client_count = members + opt.flooders;
    clients = calloc((size_t)client_count, sizeof *clients);
    int stalled = 0;
    for (int i = 0; i < client_count; i++) {
        struct client *c = &clients[i];
        c->fd = -1;
        c->room = opt.base + i % opt.rooms;
        c->flooder = i >= members;
        if (fanout) c->sender = !c->flooder && i / opt.rooms < opt.senders;
        else if (!strcmp(opt.mode, "resume")) c->sender = i < opt.rooms;
        else c->sender = strcmp(opt.mode, "idle") != 0;
        c->is_stalled = !c->sender && !c->flooder && c->room == opt.base && stalled < opt.stalled;
        stalled += c->is_stalled;
        if (c->sender) c->at = calloc(IN_FLIGHT_MAX, sizeof *c->at);
    }
    char typing[64];
    int size = snprintf(typing, sizeof typing, "{\"type\":\"typing\",\"room\":\"r0\"}");
    while (flood_size + 64 < sizeof flood)
        flood_size += frame(flood + flood_size, 0x81, typing, (size_t)size);
}

static bool is(const char *name, const char *option) { return !strcmp(name, option); }

int main(int count, char **words) {
    for (int i = 1; i < count; i++) {
        const char *name = words[i];
        if (is(name, "--tls")) { opt.tls = true; continue; }
        if (++i >= count) die("%s needs a value", name);
        const char *value = words[i];
        if (is(name, "--to")) {               /* HOST:PORT, HOST as numbers */
            char host[64];
            const char *colon = strrchr(value, ':');
            if (!colon) die("--to is HOST:PORT");
            snprintf(host, sizeof host, "%.*s", (int)(colon - value), value);
            opt.to.sin_family = AF_INET;
            opt.to.sin_port = htons((uint16_t)atoi(colon + 1));
            inet_pton(AF_INET, host, &opt.to.sin_addr);
        }
        else if (is(name, "--pid")) opt.pid = atoi(value);       /* the server's, for its CPU and memory */
        else if (is(name, "--mode")) opt.mode = value;           /* fanout ping pipeline idle resume ceiling */
        else if (is(name, "--proto")) opt.kind = is(value, "relay") ? RELAY : is(value, "echo") ? ECHO : CHATD;
        else if (is(name, "--connections")) opt.connections = atoi(value); /* but for fanout: rooms x members */
        else if (is(name, "--rooms")) opt.rooms = atoi(value);   /* r0, r1, ... */
        else if (is(name, "--base")) opt.base = atoi(value);     /* the number of the first room */
        else if (is(name, "--members")) opt.members = atoi(value); /* of each room */
        else if (is(name, "--senders")) opt.senders = atoi(value); /* in each room */
        else if (is(name, "--inflight")) opt.inflight = atoi(value); /* of each sender */
        else if (is(name, "--messages")) opt.messages = atol(value); /* of each sender */
        else if (is(name, "--warmup")) opt.warmup = atol(value); /* of each sender, a tenth by default */
        else if (is(name, "--text")) opt.text = atoi(value);     /* characters of a message */
        else if (is(name, "--rate")) opt.rate = atof(value);     /* messages a second from all, whatever comes back */
        else if (is(name, "--seconds")) opt.seconds = atof(value); /* how long to keep the rate, or to be idle */
        else if (is(name, "--settle")) opt.settle = atof(value); /* quiet time before idle is measured */
        else if (is(name, "--flooders")) opt.flooders = atoi(value); /* that send typing without end */
        else if (is(name, "--stalled")) opt.stalled = atoi(value); /* members of r0 that stop reading */
        else if (is(name, "--stall-s")) opt.stall_s = atof(value); /* for so long; 0: until all is sent */
        else if (is(name, "--fragment-every")) opt.fragment_every = atoi(value); /* one ping in so many, in two */
        else if (is(name, "--missed")) opt.missed = atoi(value); /* events to replay to each on resume */
        else if (is(name, "--handshakes")) opt.handshakes = atoi(value); /* under way at a time */
        else if (is(name, "--timeout")) opt.timeout = atof(value);
        else die("no such option: %s", name);
    }
    if (opt.inflight > IN_FLIGHT_MAX || opt.text + 200 > 8192) die("too much in flight, or too long a text");
    deadline = now_ns() + (uint64_t)(opt.timeout * 1e9);
    signal(SIGPIPE, SIG_IGN);
    ep = epoll_create1(0);
#ifdef TLS
    tls_context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(tls_context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
#else
    if (opt.tls) die("built without TLS");
#endif
    if (is(opt.mode, "ceiling")) return run_ceiling();
    make_clients();
    if (is(opt.mode, "idle")) return run_idle();
    if (is(opt.mode, "resume")) return run_resume();
    return run_fanout();
}
