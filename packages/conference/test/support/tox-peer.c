/* A peer made of libtoxcore that does what it is told, line by line, and says what happens, line by line.
 *
 *   cc -o tox-peer tox-peer.c $(pkg-config --cflags --libs toxcore)
 *
 * Its arguments are settings: udp=0|1 lan=0|1 tcp=PORT from=PORT to=PORT deaf=0|1 (1: what is said is not printed)
 * Then commands come on standard input:
 *   add KEY · bootstrap HOST PORT KEY · relay HOST PORT KEY · say FRIEND TEXT · name NAME · create ·
 *   invite CONFERENCE FRIEND · accept FRIEND COOKIE · talk CONFERENCE TEXT · title CONFERENCE TEXT · peers CONFERENCE ·
 *   cut PORT (what is sent there over UDP is lost from now on) · quit
 * Everything local: it talks to no node that it was not given. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <tox/tox.h>

static bool running = true;
static bool is_cut[65536];

/* The library's packets pass here. */
ssize_t sendto(int fd, const void *data, size_t length, int flags, const struct sockaddr *to, socklen_t size) {
  if (to->sa_family == AF_INET && is_cut[ntohs(((const struct sockaddr_in *)to)->sin_port)]) return (ssize_t)length;
  return syscall(SYS_sendto, fd, data, length, flags, to, size);
}

static void print_hex(const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; ++i) printf("%02x", bytes[i]);
}

static bool read_hex(const char *text, uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; ++i) {
    unsigned byte;
    if (sscanf(text + 2 * i, "%2x", &byte) != 1) return false;
    bytes[i] = (uint8_t)byte;
  }
  return true;
}

static void print_text(const uint8_t *text, size_t length) {
  fwrite(text, 1, length, stdout);
  putchar('\n');
}

static void self_connected(Tox *tox, TOX_CONNECTION status, void *data) {
  printf("network %d\n", status);
}

static void friend_connected(Tox *tox, uint32_t number, TOX_CONNECTION status, void *data) {
  printf("friend %u %s\n", number,
         status == TOX_CONNECTION_UDP ? "udp" : status == TOX_CONNECTION_TCP ? "tcp" : "offline");
}

static void friend_named(Tox *tox, uint32_t number, const uint8_t *name, size_t length, void *data) {
  printf("friend-name %u ", number);
  print_text(name, length);
}

static void friend_status_message(Tox *tox, uint32_t number, const uint8_t *text, size_t length, void *data) {
  printf("friend-status-message %u ", number);
  print_text(text, length);
}

static void friend_status(Tox *tox, uint32_t number, TOX_USER_STATUS status, void *data) {
  printf("friend-status %u %d\n", number, status);
}

static void friend_typing(Tox *tox, uint32_t number, bool typing, void *data) {
  printf("friend-typing %u %d\n", number, typing);
}

static void friend_said(Tox *tox, uint32_t number, TOX_MESSAGE_TYPE type, const uint8_t *text, size_t length,
                        void *data) {
  printf("%s %u ", type == TOX_MESSAGE_TYPE_ACTION ? "action" : "message", number);
  print_text(text, length);
}

static void friend_read(Tox *tox, uint32_t number, uint32_t message, void *data) {
  printf("read %u %u\n", number, message);
}

static void friend_asks(Tox *tox, const uint8_t *key, const uint8_t *text, size_t length, void *data) {
  printf("request ");
  print_hex(key, TOX_PUBLIC_KEY_SIZE);
  putchar(' ');
  print_text(text, length);
}

static void invited(Tox *tox, uint32_t number, TOX_CONFERENCE_TYPE type, const uint8_t *cookie, size_t length,
                    void *data) {
  printf("invited %u ", number);
  print_hex(cookie, length);
  putchar('\n');
}

static void conference_connected(Tox *tox, uint32_t conference, void *data) {
  printf("conference-connected %u\n", conference);
}

static void peer_name(Tox *tox, uint32_t conference, uint32_t peer) {
  TOX_ERR_CONFERENCE_PEER_QUERY error;
  size_t length = tox_conference_peer_get_name_size(tox, conference, peer, &error);
  uint8_t name[TOX_MAX_NAME_LENGTH];
  if (error == TOX_ERR_CONFERENCE_PEER_QUERY_OK && length > 0 &&
      tox_conference_peer_get_name(tox, conference, peer, name, &error)) {
    fwrite(name, 1, length, stdout);
  } else {
    putchar('-');
  }
}

static void conference_said(Tox *tox, uint32_t conference, uint32_t peer, TOX_MESSAGE_TYPE type,
                            const uint8_t *text, size_t length, void *data) {
  printf("said %u ", conference);
  peer_name(tox, conference, peer);
  putchar(' ');
  print_text(text, length);
}

static void conference_titled(Tox *tox, uint32_t conference, uint32_t peer, const uint8_t *title, size_t length,
                              void *data) {
  printf("title %u ", conference);
  print_text(title, length);
}

static void conference_peers(Tox *tox, uint32_t conference) {
  uint32_t live = tox_conference_peer_count(tox, conference, NULL);
  uint32_t frozen = tox_conference_offline_peer_count(tox, conference, NULL);
  printf("peers %u live %u frozen %u:", conference, live, frozen);
  for (uint32_t i = 0; i < live; ++i) {
    putchar(' ');
    peer_name(tox, conference, i);
  }
  putchar('\n');
}

static void peers_changed(Tox *tox, uint32_t conference, void *data) { conference_peers(tox, conference); }

static void peer_renamed(Tox *tox, uint32_t conference, uint32_t peer, const uint8_t *name, size_t length,
                         void *data) {
  conference_peers(tox, conference);
}

static void obey(Tox *tox, char *line) {
  char *rest = line;
  const char *command = strsep(&rest, " ");
  if (rest == NULL) rest = "";
  uint8_t bytes[256];
  char host[64];
  unsigned port, first, second;
  int at = 0;
  long result = -1;
  if (strcmp(command, "add") == 0 && read_hex(rest, bytes, 32)) {
    result = tox_friend_add_norequest(tox, bytes, NULL);
  } else if (strcmp(command, "bootstrap") == 0 && sscanf(rest, "%63s %u %n", host, &port, &at) == 2 &&
             read_hex(rest + at, bytes, 32)) {
    result = tox_bootstrap(tox, host, (uint16_t)port, bytes, NULL);
  } else if (strcmp(command, "relay") == 0 && sscanf(rest, "%63s %u %n", host, &port, &at) == 2 &&
             read_hex(rest + at, bytes, 32)) {
    result = tox_add_tcp_relay(tox, host, (uint16_t)port, bytes, NULL);
  } else if (strcmp(command, "say") == 0 && sscanf(rest, "%u %n", &first, &at) == 1) {
    result = tox_friend_send_message(tox, first, TOX_MESSAGE_TYPE_NORMAL, (const uint8_t *)rest + at,
                                     strlen(rest + at), NULL);
  } else if (strcmp(command, "name") == 0) {
    result = tox_self_set_name(tox, (const uint8_t *)rest, strlen(rest), NULL);
  } else if (strcmp(command, "create") == 0) {
    result = tox_conference_new(tox, NULL);
  } else if (strcmp(command, "invite") == 0 && sscanf(rest, "%u %u", &first, &second) == 2) {
    result = tox_conference_invite(tox, second, first, NULL);
  } else if (strcmp(command, "accept") == 0 && sscanf(rest, "%u %n", &first, &at) == 1) {
    size_t length = strlen(rest + at) / 2;
    if (length <= sizeof(bytes) && read_hex(rest + at, bytes, length)) {
      result = tox_conference_join(tox, first, bytes, length, NULL);
    }
  } else if (strcmp(command, "talk") == 0 && sscanf(rest, "%u %n", &first, &at) == 1) {
    result = tox_conference_send_message(tox, first, TOX_MESSAGE_TYPE_NORMAL, (const uint8_t *)rest + at,
                                         strlen(rest + at), NULL);
  } else if (strcmp(command, "title") == 0 && sscanf(rest, "%u %n", &first, &at) == 1) {
    result = tox_conference_set_title(tox, first, (const uint8_t *)rest + at, strlen(rest + at), NULL);
  } else if (strcmp(command, "peers") == 0 && sscanf(rest, "%u", &first) == 1) {
    conference_peers(tox, first);
    result = 0;
  } else if (strcmp(command, "cut") == 0 && sscanf(rest, "%u", &first) == 1 && first < 65536) {
    is_cut[first] = true;
    result = 0;
  } else if (strcmp(command, "quit") == 0) {
    running = false;
    result = 0;
  }
  printf("done %s %ld\n", command, result);
}

static void listen_to_commands(Tox *tox, int wait) {
  static char buffer[8192];
  static size_t used = 0;
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  if (poll(&input, 1, wait) <= 0) return;
  ssize_t got = read(STDIN_FILENO, buffer + used, sizeof(buffer) - used - 1);
  if (got <= 0) {
    running = false;
    return;
  }
  used += (size_t)got;
  buffer[used] = '\0';
  char *line = buffer;
  for (char *end = strchr(line, '\n'); end != NULL; end = strchr(line, '\n')) {
    *end = '\0';
    obey(tox, line);
    line = end + 1;
  }
  used -= (size_t)(line - buffer);
  memmove(buffer, line, used);
}

static unsigned setting(int count, char **settings, const char *name, unsigned otherwise) {
  size_t length = strlen(name);
  for (int i = 1; i < count; ++i) {
    if (strncmp(settings[i], name, length) == 0 && settings[i][length] == '=') {
      return (unsigned)atoi(settings[i] + length + 1);
    }
  }
  return otherwise;
}

int main(int count, char **arguments) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  struct Tox_Options *options = tox_options_new(NULL);
  tox_options_set_ipv6_enabled(options, false);
  tox_options_set_udp_enabled(options, setting(count, arguments, "udp", 1));
  tox_options_set_local_discovery_enabled(options, setting(count, arguments, "lan", 0));
  tox_options_set_tcp_port(options, (uint16_t)setting(count, arguments, "tcp", 0));
  tox_options_set_start_port(options, (uint16_t)setting(count, arguments, "from", 0));
  tox_options_set_end_port(options, (uint16_t)setting(count, arguments, "to", 0));
  TOX_ERR_NEW error;
  Tox *tox = tox_new(options, &error);
  tox_options_free(options);
  if (tox == NULL) {
    fprintf(stderr, "tox_new failed: %d\n", error);
    return 1;
  }
  tox_callback_self_connection_status(tox, self_connected);
  tox_callback_friend_connection_status(tox, friend_connected);
  tox_callback_friend_name(tox, friend_named);
  tox_callback_friend_status_message(tox, friend_status_message);
  tox_callback_friend_status(tox, friend_status);
  tox_callback_friend_typing(tox, friend_typing);
  tox_callback_friend_message(tox, friend_said);
  tox_callback_friend_read_receipt(tox, friend_read);
  tox_callback_friend_request(tox, friend_asks);
  tox_callback_conference_invite(tox, invited);
  tox_callback_conference_connected(tox, conference_connected);
  if (!setting(count, arguments, "deaf", 0)) tox_callback_conference_message(tox, conference_said);
  tox_callback_conference_title(tox, conference_titled);
  tox_callback_conference_peer_list_changed(tox, peers_changed);
  tox_callback_conference_peer_name(tox, peer_renamed);

  uint8_t address[TOX_ADDRESS_SIZE], key[TOX_PUBLIC_KEY_SIZE];
  tox_self_get_address(tox, address);
  tox_self_get_dht_id(tox, key);
  printf("self ");
  print_hex(address, sizeof(address));
  putchar(' ');
  print_hex(key, sizeof(key));
  printf(" %u\n", tox_self_get_udp_port(tox, NULL));

  while (running) {
    tox_iterate(tox, NULL);
    uint32_t wait = tox_iteration_interval(tox);
    listen_to_commands(tox, wait < 20 ? (int)wait : 20);
  }
  tox_kill(tox);
  return 0;
}
