/*
 * What systemd hears from a daemon of Type=notify (sd_notify(3)): one datagram a call. Without
 * $NOTIFY_SOCKET, or when nobody takes it, nothing happens. Loop's thread.
 */
#ifndef AFTERSYNC_DAEMON_RT_NOTIFY_H
#define AFTERSYNC_DAEMON_RT_NOTIFY_H

#include <stdint.h>

/* status: one line for people, as `systemctl status` shows it; cut and cleaned. */
void notify_ready(const char *status); /* also after a reload */
void notify_status(const char *status);
void notify_reloading(void); /* then the work, then notify_ready */
void notify_stopping(const char *status);
void notify_watchdog(void);

/* How often notify_watchdog is to be called, in ms: twice in the time that systemd waits. 0: it does not
 * wait. */
uint32_t notify_watchdog_interval_ms(void);

#endif
