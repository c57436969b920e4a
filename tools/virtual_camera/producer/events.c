/* The event that tells of each new buffer. */
#include <string.h>

#include "stream.h"

static char event_object;

EXPORT gc_error GCRegisterEvent(gc_handle source, int32_t what, gc_handle *out)
{
    if (source != &stream_object || what != EVENT_NEW_BUFFER)
        return ERR_NOT_IMPLEMENTED;
    *out = &event_object;
    return OK;
}

EXPORT gc_error GCUnregisterEvent(gc_handle source, int32_t what)
{
    return source == &stream_object && what == EVENT_NEW_BUFFER ? OK : ERR_INVALID_PARAMETER;
}

EXPORT gc_error EventGetData(gc_handle event, void *out, size_t *size, uint64_t timeout_ms)
{
    if (event != &event_object || out == NULL || size == NULL)
        return ERR_INVALID_HANDLE;
    if (*size < sizeof(new_buffer))
        return ERR_BUFFER_TOO_SMALL;
    pthread_mutex_lock(&lock);
    uint64_t forever = UINT64_MAX;
    uint64_t end = timeout_ms == forever ? forever : device_clock_ns() + timeout_ms * 1000000ull;
    buffer *b;
    while ((b = oldest(FILLED)) == NULL && device_clock_ns() < end)
        wait_until(end);
    if (b != NULL) {
        new_buffer told = {b, b->user};
        b->where = DELIVERED;
        delivered++;
        memcpy(out, &told, sizeof told);
        *size = sizeof told;
    }
    pthread_mutex_unlock(&lock);
    return b != NULL ? OK : ERR_TIMEOUT;
}

EXPORT gc_error EventGetInfo(gc_handle event, int32_t what, int32_t *type, void *out, size_t *size)
{
    if (event != &event_object)
        return ERR_INVALID_HANDLE;
    switch (what) {
    case EVENT_TYPE: {
        int32_t value = EVENT_NEW_BUFFER;
        return put(IS_INT32, &value, sizeof value, type, out, size);
    }
    case EVENT_IN_QUEUE: return put_size(count(FILLED), type, out, size);
    case EVENT_FIRED: return put_u64(delivered + count(FILLED), type, out, size);
    case EVENT_SIZE_MAX: return put_size(sizeof(new_buffer), type, out, size);
    default: return ERR_NOT_IMPLEMENTED;
    }
}

EXPORT gc_error EventFlush(gc_handle event)
{
    return event == &event_object ? DSFlushQueue(&stream_object, QUEUE_OUT_DISCARD) : ERR_INVALID_HANDLE;
}

EXPORT gc_error EventKill(gc_handle event) { return event == &event_object ? OK : ERR_INVALID_HANDLE; }
