/*
 * LD_PRELOAD: looking up "hangs.invalid" takes 20 s, as with a name server that does not answer.
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
    return next(name, service, hints, out);
}
