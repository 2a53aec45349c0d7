/*
 * Tells systemd how we are: datagrams to $NOTIFY_SOCKET (sd_notify(3)), without libsystemd.
 *
 * Without the variable every call does nothing. Watchdog: WATCHDOG_USEC and WATCHDOG_PID;
 * notify_watchdog_ms() says how often notify_watchdog() is to be called (half the limit), 0 for
 * never.
 */
#pragma once

void notify_ready(const char *status);
void notify_status(const char *status); /* words, shown by systemctl status */
void notify_reloading(void);
void notify_stopping(void);
void notify_watchdog(void);
int notify_watchdog_ms(void);
