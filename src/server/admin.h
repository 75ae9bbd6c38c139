/* The thread "admin" changes the configuration while Portico runs. Whoever asks for it (the
 * control socket, SIGHUP, the file itself when it is watched), it is done here, one reload after
 * the other. */
#ifndef PORTICO_SERVER_ADMIN_H
#define PORTICO_SERVER_ADMIN_H

#include "base/err.h"
#include "server/file_watch.h"
#include "server/reload.h"

struct admin;

/* `watch` is where file_watch_init was called before the file was read; `reload` is what reloads
 * work on. Both are borrowed. Opens the control socket, without which it goes on, with a warning.
 * Starts the thread. NULL with `err`. */
struct admin *admin_new(struct reload *reload, struct file_watch *watch, struct err *err);

/* SIGHUP came: a reload will begin after this call, of which there may be any number. Main only,
 * as the next. */
void admin_reload(struct admin *admin);

/* Ends the thread, after the reload in hand, and removes the control socket. False: a disk holds it
 * up, so it is left behind, with all that it uses. */
bool admin_free(struct admin *admin);

#endif
