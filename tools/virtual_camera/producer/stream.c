/* The data stream and its buffers. */
#include <string.h>

#include "stream.h"

char stream_object;
buffer buffers[MAX_BUFFERS];
uint64_t delivered, underrun, started;
static bool opened;
static uint64_t turns;

buffer *oldest(place where)
{
    buffer *found = NULL;
    for (int i = 0; i < MAX_BUFFERS; i++)
        if (buffers[i].used && buffers[i].where == where && (found == NULL || buffers[i].turn < found->turn))
            found = &buffers[i];
    return found;
}

size_t count(place where)
{
    size_t n = 0;
    for (int i = 0; i < MAX_BUFFERS; i++)
        n += buffers[i].used && buffers[i].where == where;
    return n;
}

static buffer *known(gc_handle handle)
{
    for (int i = 0; i < MAX_BUFFERS; i++)
        if (handle == &buffers[i] && buffers[i].used)
            return &buffers[i];
    return NULL;
}

void put_into(buffer *b, place where)
{
    b->where = where;
    b->turn = turns++;
}

gc_error stream_open(gc_handle *out)
{
    if (opened)
        return ERR_RESOURCE_IN_USE;
    opened = true;
    delivered = underrun = started = 0;
    *out = &stream_object;
    return OK;
}

void stream_forget(void)
{
    exposing_stop();
    /* Nobody calls GCUnregisterEvent: what the event holds goes with the stream. */
    memset(buffers, 0, sizeof buffers);
    opened = false;
}

EXPORT gc_error DSClose(gc_handle ds)
{
    if (ds != &stream_object || !opened)
        return ERR_INVALID_HANDLE;
    stream_forget();
    return OK;
}

EXPORT gc_error DSAnnounceBuffer(gc_handle ds, void *data, size_t size, void *user, gc_handle *out)
{
    if (ds != &stream_object || !opened)
        return ERR_INVALID_HANDLE;
    for (int i = 0; i < MAX_BUFFERS; i++)
        if (!buffers[i].used) {
            buffers[i] = (buffer){.used = true, .data = data, .size = size, .user = user};
            *out = &buffers[i];
            return OK;
        }
    return ERR_OUT_OF_MEMORY;
}

EXPORT gc_error DSRevokeBuffer(gc_handle ds, gc_handle handle, void **data, void **user)
{
    (void)ds;
    buffer *b = known(handle);
    if (b == NULL)
        return ERR_INVALID_HANDLE;
    pthread_mutex_lock(&lock);
    gc_error error = b->where == QUEUED || b->where == FILLING ? ERR_BUSY : OK;
    if (error == OK) {
        if (data != NULL)
            *data = b->data;
        if (user != NULL)
            *user = b->user;
        b->used = false;
    }
    pthread_mutex_unlock(&lock);
    return error;
}

EXPORT gc_error DSQueueBuffer(gc_handle ds, gc_handle handle)
{
    (void)ds;
    buffer *b = known(handle);
    if (b == NULL)
        return ERR_INVALID_HANDLE;
    pthread_mutex_lock(&lock);
    put_into(b, QUEUED);
    pthread_mutex_unlock(&lock);
    return OK;
}

EXPORT gc_error DSFlushQueue(gc_handle ds, int32_t what)
{
    if (ds != &stream_object)
        return ERR_INVALID_HANDLE;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MAX_BUFFERS; i++) {
        buffer *b = &buffers[i];
        if (!b->used || b->where == FILLING)
            continue;
        if (what == QUEUE_ALL_DISCARD || (what == QUEUE_OUT_DISCARD && b->where == FILLED))
            b->where = IDLE;
        else if (what == QUEUE_IN_TO_OUT && b->where == QUEUED)
            put_into(b, FILLED);
        else if (what == QUEUE_ALL_TO_IN ||
                 (what == QUEUE_UNQUEUED_TO_IN && (b->where == IDLE || b->where == DELIVERED)))
            put_into(b, QUEUED);
    }
    pthread_mutex_unlock(&lock);
    return OK;
}

EXPORT gc_error DSStartAcquisition(gc_handle ds, int32_t flags, uint64_t frames)
{
    (void)flags, (void)frames;
    if (ds != &stream_object || !opened)
        return ERR_INVALID_HANDLE;
    return exposing_start();
}

EXPORT gc_error DSStopAcquisition(gc_handle ds, int32_t flags)
{
    (void)flags;
    if (ds != &stream_object)
        return ERR_INVALID_HANDLE;
    exposing_stop();
    return OK;
}

EXPORT gc_error DSGetInfo(gc_handle ds, int32_t what, int32_t *type, void *out, size_t *size)
{
    if (ds != &stream_object)
        return ERR_INVALID_HANDLE;
    switch (what) {
    case DS_ID: return put_text("stream0", type, out, size);
    case DS_DELIVERED: return put_u64(delivered, type, out, size);
    case DS_UNDERRUN: return put_u64(underrun, type, out, size);
    case DS_ANNOUNCED: return put_size(MAX_BUFFERS - count(IDLE), type, out, size);
    case DS_QUEUED: return put_size(count(QUEUED), type, out, size);
    case DS_AWAITING: return put_size(count(FILLED), type, out, size);
    case DS_STARTED: return put_u64(started, type, out, size);
    case DS_GRABBING: return put_bool(exposing(), type, out, size);
    case DS_DEFINES_PAYLOAD: return put_bool(false, type, out, size);
    case DS_TLTYPE: return put_text(TL_TYPE, type, out, size);
    case DS_BUFFERS_MIN: return put_size(1, type, out, size);
    case DS_ALIGNMENT: return put_size(1, type, out, size);
    default: return ERR_NOT_IMPLEMENTED;
    }
}

EXPORT gc_error DSGetBufferInfo(gc_handle ds, gc_handle handle, int32_t what, int32_t *type, void *out,
                                size_t *size)
{
    (void)ds;
    buffer *b = known(handle);
    if (b == NULL)
        return ERR_INVALID_HANDLE;
    switch (what) {
    case BUF_BASE: return put(IS_PTR, &b->data, sizeof b->data, type, out, size);
    case BUF_USER: return put(IS_PTR, &b->user, sizeof b->user, type, out, size);
    case BUF_SIZE: return put_size(b->size, type, out, size);
    case BUF_TIMESTAMP:
    case BUF_TIMESTAMP_NS: return put_u64(b->timestamp_ns, type, out, size);
    case BUF_NEW: return put_bool(b->fresh, type, out, size);
    case BUF_IS_QUEUED: return put_bool(b->where == QUEUED, type, out, size);
    case BUF_IS_ACQUIRING: return put_bool(b->where == FILLING, type, out, size);
    case BUF_INCOMPLETE: return put_bool(b->incomplete, type, out, size);
    case BUF_TLTYPE: return put_text(TL_TYPE, type, out, size);
    case BUF_FILLED: return put_size(b->filled, type, out, size);
    case BUF_DATA_SIZE: return put_size(b->payload, type, out, size);
    case BUF_WIDTH: return put_size(b->how.width, type, out, size);
    case BUF_HEIGHT:
    case BUF_DELIVERED_HEIGHT: return put_size(b->how.height, type, out, size);
    case BUF_OFFSET_X: return put_size(b->how.offset_x, type, out, size);
    case BUF_OFFSET_Y: return put_size(b->how.offset_y, type, out, size);
    case BUF_PADDING_X:
    case BUF_PADDING_Y:
    case BUF_IMAGE_OFFSET: return put_size(0, type, out, size);
    case BUF_FRAME_ID: return put_u64(b->id, type, out, size);
    case BUF_IMAGE_PRESENT: return put_bool(true, type, out, size);
    case BUF_PAYLOAD_TYPE: return put_size(PAYLOAD_IMAGE, type, out, size);
    case BUF_FORMAT: return put_u64(b->how.format, type, out, size);
    case BUF_FORMAT_NAMESPACE: return put_u64(NAMESPACE_PFNC_32BIT, type, out, size);
    default: return ERR_NOT_IMPLEMENTED;
    }
}
