/* Two peers of libtoxcore in one process: one that says much in a conference and one that hears it, by way of a third
 * alone. What they send to each other directly is dropped, so that the third must pass on everything.
 *
 *   cc -O2 -o tox-flood tox-flood.c $(pkg-config --cflags --libs toxcore)
 *
 * Says «self SOURCE-KEY SINK-KEY DHT-KEY PORT» and then obeys lines on standard input:
 *   meet HOST PORT DHT-KEY KEY      befriend that node; its invitations are accepted. Says «met» when all three are in.
 *   flood COUNT BYTES WINDOW        no more than WINDOW messages on their way. Says «flooded SECONDS MEAN-LATENCY».
 *   quit */
#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <tox/tox.h>

enum { SOURCE, SINK, BOTH, ALL = BOTH + 6 };

/* Behind the two come bystanders: with too few nodes real ones do not find their friends. */
static Tox *peers[ALL];
static uint16_t ports[BOTH];
static unsigned heard = 0;
static double spent = 0;

/* The library's packets pass here. */
ssize_t sendto(int fd, const void *data, size_t length, int flags, const struct sockaddr *to, socklen_t size) {
  uint16_t port = ntohs(((const struct sockaddr_in *)to)->sin_port);
  if (port != 0 && (port == ports[SOURCE] || port == ports[SINK])) return (ssize_t)length;
  return syscall(SYS_sendto, fd, data, length, flags, to, size);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void print_hex(const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; ++i) printf("%02x", bytes[i]);
  putchar(' ');
}

static bool read_key(const char *text, uint8_t *key) {
  for (size_t i = 0; i < TOX_PUBLIC_KEY_SIZE; ++i) {
    unsigned byte;
    if (sscanf(text + 2 * i, "%2x", &byte) != 1) return false;
    key[i] = (uint8_t)byte;
  }
  return true;
}

static void invited(Tox *tox, uint32_t from, TOX_CONFERENCE_TYPE type, const uint8_t *cookie, size_t length,
                    void *data) {
  tox_conference_join(tox, from, cookie, length, NULL);
}

static void said(Tox *tox, uint32_t conference, uint32_t peer, TOX_MESSAGE_TYPE type, const uint8_t *text,
                 size_t length, void *data) {
  if (tox != peers[SINK]) return;
  spent += now() - strtod((const char *)text, NULL);
  heard += 1;
}

static void iterate(int count) {
  for (int i = 0; i < count; ++i) tox_iterate(peers[i], NULL);
}

static bool all_are_in(void) {
  for (int i = 0; i < BOTH; ++i) {
    if (tox_conference_get_chatlist_size(peers[i]) == 0 || tox_conference_peer_count(peers[i], 0, NULL) < 3)
      return false;
  }
  return true;
}

static void meet(const char *host, unsigned port, const uint8_t *dht_key, const uint8_t *key) {
  for (int i = 0; i < ALL; ++i) {
    if (i < BOTH) tox_friend_add_norequest(peers[i], key, NULL);
    tox_bootstrap(peers[i], host, (uint16_t)port, dht_key, NULL);
  }
  while (!all_are_in()) {
    iterate(ALL);
    usleep(5000);
  }
  printf("met\n");
}

static void flood(unsigned count, size_t length, unsigned window) {
  uint8_t text[TOX_MAX_MESSAGE_LENGTH];
  memset(text, 'x', sizeof(text));
  heard = 0;
  spent = 0;
  double began = now();
  for (unsigned sent = 0; heard < count;) {
    /* In small portions, lest the sink's socket overflow while the source speaks. */
    for (int portion = 0; portion < 32 && sent < count && sent - heard < window; ++portion) {
      text[snprintf((char *)text, 24, "%.9f", now())] = ' ';
      if (!tox_conference_send_message(peers[SOURCE], 0, TOX_MESSAGE_TYPE_NORMAL, text, length, NULL)) break;
      sent += 1;
    }
    iterate(BOTH);
    if (now() - began > 60) break;
  }
  printf("flooded %u %.6f %.9f\n", heard, now() - began, heard == 0 ? 0 : spent / heard);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  uint8_t key[TOX_PUBLIC_KEY_SIZE];
  printf("self ");
  for (int i = 0; i < ALL; ++i) {
    struct Tox_Options *options = tox_options_new(NULL);
    tox_options_set_ipv6_enabled(options, false);
    tox_options_set_local_discovery_enabled(options, false);
    peers[i] = tox_new(options, NULL);
    tox_options_free(options);
    if (peers[i] == NULL) return 1;
    if (i >= BOTH) continue;
    ports[i] = tox_self_get_udp_port(peers[i], NULL);
    tox_callback_conference_invite(peers[i], invited);
    tox_callback_conference_message(peers[i], said);
    tox_self_get_public_key(peers[i], key);
    print_hex(key, sizeof(key));
  }
  printf("%u\n", ports[SOURCE]);

  char line[512];
  while (true) {
    iterate(ALL);
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(&input, 1, 5) <= 0) continue;
    if (fgets(line, sizeof(line), stdin) == NULL || strncmp(line, "quit", 4) == 0) break;
    char host[64];
    unsigned first, second, third;
    int at = 0;
    uint8_t dht_key[TOX_PUBLIC_KEY_SIZE];
    if (sscanf(line, "meet %63s %u %n", host, &first, &at) == 2 && read_key(line + at, dht_key) &&
        read_key(line + at + 2 * TOX_PUBLIC_KEY_SIZE + 1, key)) {
      meet(host, first, dht_key, key);
    } else if (sscanf(line, "flood %u %u %u", &first, &second, &third) == 3) {
      flood(first, second, third);
    }
  }
  for (int i = 0; i < ALL; ++i) tox_kill(peers[i]);
  return 0;
}
