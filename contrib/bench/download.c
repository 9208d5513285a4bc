/* Clients that download one thing over HTTP, again and again, each as fast as it comes.
 *
 *     download HOST:PORT PATH CLIENTS
 *
 * On connections that are kept. It says READY on standard error when there were as many
 * answers as clients; and how many answers there were, and how many bytes, when it is told to end
 * (SIGTERM).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS_MAX = 1000, HEAD_MAX = 4096 };

static struct client {
    char head[HEAD_MAX];
    size_t head_len;
    long missing; /* of the content; -1 while the head is read */
} clients[CLIENTS_MAX];
static struct pollfd watched[CLIENTS_MAX];
static char request[1024], content[1 << 20];
static long answers, bytes;
static volatile sig_atomic_t over;

static void end(int number) {
    (void)number;
    over = true;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void ask(int i) {
    clients[i].head_len = 0;
    clients[i].missing = -1;
    if (send(watched[i].fd, request, strlen(request), MSG_NOSIGNAL) < 0) die("send");
}

/* Take some of a head; what stands behind it counts for the content. */
static void read_head(int i) {
    struct client *c = &clients[i];
    ssize_t n = recv(watched[i].fd, c->head + c->head_len, HEAD_MAX - 1 - c->head_len, 0);
    if (n <= 0) die("recv");
    bytes += n;
    c->head_len += (size_t)n;
    c->head[c->head_len] = 0;
    char *last = strstr(c->head, "\r\n\r\n");
    if (!last) {
        if (c->head_len == HEAD_MAX - 1) die("a head without an end");
        return;
    }
    char *length = strcasestr(c->head, "\r\ncontent-length: ");
    if (strncmp(c->head, "HTTP/1.1 200 ", 13) || !length || length > last) {
        fprintf(stderr, "download: %s\n", c->head);
        exit(1);
    }
    c->missing = atol(length + 18) - (long)(c->head + c->head_len - last - 4);
}

int main(int count, char **words) {
    struct sockaddr_in to = {.sin_family = AF_INET};
    if (count != 4) return 2;
    char *colon = strrchr(words[1], ':');
    int many = atoi(words[3]), one = 1;
    if (!colon || many < 1 || many > CLIENTS_MAX) return 2;
    *colon = 0;
    inet_pton(AF_INET, words[1], &to.sin_addr);
    to.sin_port = htons((uint16_t)atoi(colon + 1));
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", words[2], words[1]);
    signal(SIGTERM, end);
    for (int i = 0; i < many; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to)) die("connect");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        watched[i] = (struct pollfd){.fd = fd, .events = POLLIN};
        ask(i);
    }
    while (!over) {
        if (poll(watched, (nfds_t)many, 1000) < 0) continue;
        for (int i = 0; i < many; i++) {
            struct client *c = &clients[i];
            if (!watched[i].revents) continue;
            if (c->missing < 0) read_head(i);
            else {
                ssize_t n = recv(watched[i].fd, content, sizeof content, 0);
                if (n <= 0) die("recv");
                bytes += n;
                c->missing -= n;
            }
            if (c->missing == 0) {
                if (++answers == many) fprintf(stderr, "READY\n");
                ask(i);
            }
        }
    }
    printf("{\"answers\":%ld,\"bytes\":%ld}\n", answers, bytes);
    return 0;
}
