// SPDX-License-Identifier: Apache-2.0
// runaway FILE: its child leaves its parent for a session of its own again and again, and adds a byte to FILE each
// time. It ends by itself after half a minute, so that no machine is left with it.
#include <fcntl.h>
#include <unistd.h>

#include <ctime>

int main(int argc, char** argv) {
    if (argc != 2) {
        return 2;
    }
    const int file = open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0600);
    const time_t end = time(nullptr) + 30;
    if (fork() > 0) {
        sleep(30);
        return 0;
    }
    while (time(nullptr) < end) {
        if (fork() > 0) {
            _exit(0);
        }
        setsid();
        if (write(file, "x", 1) != 1) {
            return 1;
        }
    }
    return 0;
}
