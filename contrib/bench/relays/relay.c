/* A relay in C: epoll, one send() per frame and member.
 *
 * What a server in C does that sends one message at a time: no JSON, no store,
 * no limits. A member that does not take a whole frame is given the rest later.
 * gcc -O2 -o relay relay.c -lcrypto
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FDS = 20000, BUFFER = 262144 };

struct member {
    bool open;
    uint8_t *in, *out;
    size_t in_len, out_len;
};

static struct member members[FDS];
static int highest, ep;
static uint8_t buffer[BUFFER];

static void drop(int fd) {
    struct member *m = &members[fd];
    free(m->in);
    free(m->out);
    memset(m, 0, sizeof *m);
    close(fd);
}

static void want(int fd, bool writable) {
    struct epoll_event e = {.events = EPOLLIN | (writable ? EPOLLOUT : 0), .data.fd = fd};
    epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e);
}

static void give(int fd, const uint8_t *data, size_t size) {
    struct member *m = &members[fd];
    size_t sent = 0;
    if (!m->out_len) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n > 0) sent = (size_t)n;
        else if (errno != EAGAIN) return;
    }
    if (sent == size) return;
    m->out = realloc(m->out, m->out_len + size - sent);
    memcpy(m->out + m->out_len, data + sent, size - sent);
    m->out_len += size - sent;
    want(fd, true);
}

static void flush(int fd) {
    struct member *m = &members[fd];
    ssize_t n = send(fd, m->out, m->out_len, MSG_NOSIGNAL);
    if (n <= 0) return;
    m->out_len -= (size_t)n;
    memmove(m->out, m->out + n, m->out_len);
    if (!m->out_len) want(fd, false);
}

/* Answer the upgrade, if all of the request is there. */
static size_t upgrade(int fd, uint8_t *data, size_t size) {
    uint8_t *end = memmem(data, size, "\r\n\r\n", 4);
    if (!end) return 0;
    uint8_t *key = memmem(data, size, "Sec-WebSocket-Key: ", 19);
    if (!key || key + 43 > end) { drop(fd); return 0; }
    char text[128], digest[SHA_DIGEST_LENGTH], answer[256], accept[64];
    memcpy(text, key + 19, 24);
    strcpy(text + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    SHA1((uint8_t *)text, strlen(text), (uint8_t *)digest);
    EVP_EncodeBlock((uint8_t *)accept, (uint8_t *)digest, sizeof digest);
    int n = snprintf(answer, sizeof answer,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: %s\r\n\r\n", accept);
    members[fd].open = true;
    give(fd, (uint8_t *)answer, (size_t)n);
    return (size_t)(end + 4 - data);
}

static size_t relay(int fd, uint8_t *data, size_t size) {
    static uint8_t out[BUFFER + 16];
    size_t at = 0;
    while (size - at >= 6) {
        size_t head = 6, length = data[at + 1] & 127;
        if (length == 127) { drop(fd); return 0; }
        if (length == 126) {
            if (size - at < 8) break;
            head = 8;
            length = (size_t)data[at + 2] << 8 | data[at + 3];
        }
        if (size - at < head + length) break;
        uint8_t *mask = data + at + head - 4, *payload = data + at + head;
        int opcode = data[at] & 15;
        at += head + length;
        if (opcode == 8) { drop(fd); return 0; }
        if (opcode != 1) continue;
        size_t front = length < 126 ? 2 : 4;
        out[0] = 0x81;
        out[1] = (uint8_t)(length < 126 ? length : 126);
        if (front == 4) { out[2] = (uint8_t)(length >> 8); out[3] = (uint8_t)length; }
        for (size_t i = 0; i < length; i++) out[front + i] = payload[i] ^ mask[i & 3];
        for (int other = 0; other <= highest; other++)
            if (members[other].open) give(other, out, front + length);
    }
    return at;
}

static void readable(int fd) {
    struct member *m = &members[fd];
    memcpy(buffer, m->in, m->in_len);
    ssize_t n = recv(fd, buffer + m->in_len, BUFFER - m->in_len, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) { drop(fd); return; }
    size_t size = m->in_len + (size_t)n, used = 0;
    if (!m->open) used = upgrade(fd, buffer, size);
    if (m->open) used += relay(fd, buffer + used, size - used);
    if (!m->open && used) return;
    m->in_len = size - used;
    m->in = realloc(m->in, m->in_len + 1);
    memcpy(m->in, buffer + used, m->in_len);
}

int main(void) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    if (bind(listener, (struct sockaddr *)&at, size) || listen(listener, 4096)) return 1;
    getsockname(listener, (struct sockaddr *)&at, &size);
    printf("PORT %d\n", ntohs(at.sin_port));
    fflush(stdout);
    ep = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN, .data.fd = listener}, events[1024];
    epoll_ctl(ep, EPOLL_CTL_ADD, listener, &e);
    for (;;) {
        int n = epoll_wait(ep, events, 1024, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd != listener) {
                if (events[i].events & EPOLLOUT) flush(fd);
                if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(fd);
                continue;
            }
            while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                if (fd >= FDS) { close(fd); continue; }
                if (fd > highest) highest = fd;
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                memset(&members[fd], 0, sizeof members[fd]);
                e = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
                epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
            }
        }
    }
}
