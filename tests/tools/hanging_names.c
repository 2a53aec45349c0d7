/*
 * LD_PRELOAD: looking up "hangs.invalid" takes 20 s, as with a name server that does not answer;
 * "two.invalid" has the addresses 127.0.0.2 and 127.0.0.1.
 */
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>

typedef int look_up(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    look_up *next = NULL;

    *(void **)&next = dlsym(RTLD_NEXT, "getaddrinfo");
    if (name && strcmp(name, "hangs.invalid") == 0) {
        (void)poll(NULL, 0, 20000);
        return EAI_AGAIN;
    }
    if (!name || strcmp(name, "two.invalid") != 0) {
        return next(name, service, hints, out);
    }
    int status = next("127.0.0.2", service, hints, out);
    return status ? status : next("127.0.0.1", service, hints, &(*out)->ai_next);
}
