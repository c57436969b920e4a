/* What the files of the data stream share; guarded by `lock`. */
#ifndef ARMICRO_STREAM_H
#define ARMICRO_STREAM_H

#include "camera.h"

#define MAX_BUFFERS 64

typedef enum { IDLE, QUEUED, FILLING, FILLED, DELIVERED } place;

typedef struct {
    bool used;
    uint8_t *data;
    size_t size, filled, payload;
    void *user;
    place where;
    uint64_t turn; /* order within its queue */
    bool incomplete, fresh;
    uint64_t id, timestamp_ns;
    settings how;
} buffer;

extern buffer buffers[MAX_BUFFERS];
extern uint64_t delivered, underrun, started;

buffer *oldest(place where);
size_t count(place where);
void put_into(buffer *b, place where);

gc_error DSFlushQueue(gc_handle ds, int32_t what);

/* exposing.c */
bool wait_until(uint64_t at); /* false where the wait ended early because something changed */
gc_error exposing_start(void);
void exposing_stop(void);
bool exposing(void);

#endif
