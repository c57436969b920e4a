/* The data stream: buffers, the thread that exposes into them, and the event that tells of each. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "camera.h"

#define MAX_BUFFERS 64
#define POLL_NS 10000000

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

char stream_object;
static char event_object;
static buffer buffers[MAX_BUFFERS];
static bool opened, armed, quit;
static pthread_t thread;
static uint64_t turns, delivered, underrun, started;
static uint32_t share;

static buffer *oldest(place where)
{
    buffer *found = NULL;
    for (int i = 0; i < MAX_BUFFERS; i++)
        if (buffers[i].used && buffers[i].where == where && (found == NULL || buffers[i].turn < found->turn))
            found = &buffers[i];
    return found;
}

static size_t count(place where)
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

static void put_into(buffer *b, place where)
{
    b->where = where;
    b->turn = turns++;
}

/* Wait until the device's clock shows `at`; false where the wait ended early because something changed. */
static bool wait_until(uint64_t at)
{
    uint64_t now = device_clock_ns();
    if (now >= at)
        return true;
    uint64_t wait = at - now < POLL_NS ? at - now : POLL_NS;
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    uint64_t nanos = (uint64_t)end.tv_nsec + wait;
    end.tv_sec += (time_t)(nanos / 1000000000u);
    end.tv_nsec = (long)(nanos % 1000000000u);
    pthread_cond_timedwait(&changed, &lock, &end);
    return device_clock_ns() >= at;
}

static bool streaming(void)
{
    return !quit && registers_now().start && !camera_dead() && !control()->stalled;
}

static bool hold_on(uint64_t until)
{
    while (!wait_until(until))
        if (!streaming())
            return false;
    return true;
}

static void expose(uint64_t id, uint64_t begin, settings how)
{
    control_block *wanted = control();
    if (!hold_on(begin + (uint64_t)(how.exposure_us * 1e3) + wanted->delay_us * 1000ull))
        return;
    started++;
    buffer *b = oldest(QUEUED);
    if (b == NULL) {
        underrun++;
        return;
    }
    how.width = wanted->width ? wanted->width : how.width;
    how.height = wanted->height ? wanted->height : how.height;
    how.format = wanted->format ? wanted->format : how.format;
    size_t payload = payload_size(how.format, how.width, how.height);
    bool fits = how.width <= pictures_width() - how.offset_x &&
                how.height <= pictures_height() - how.offset_y && payload <= b->size;
    share += wanted->incomplete_permille;
    bool whole = share < 1000 && fits;
    if (share >= 1000)
        share -= 1000;
    put_into(b, FILLING);
    pthread_mutex_unlock(&lock);
    if (fits)
        pictures_render(id, &how, b->data);
    if (!whole) /* the lower half is lost: what stood there before is not the picture */
        memset(b->data + b->size / 2, 0, b->size - b->size / 2);
    pthread_mutex_lock(&lock);
    b->payload = payload;
    b->filled = whole ? payload : payload / 2;
    b->incomplete = !whole;
    b->fresh = true;
    b->id = id;
    b->timestamp_ns = begin;
    b->how = how;
    put_into(b, FILLED);
    wanted->frames_sent++;
    pthread_cond_broadcast(&changed);
}

static void *run(void *nothing)
{
    (void)nothing;
    pthread_mutex_lock(&lock);
    uint64_t id = 0, next = 0;
    while (!quit) {
        settings how = registers_now();
        if (!streaming() || (how.trigger_mode && !triggers_take())) {
            next = 0;
            wait_until(device_clock_ns() + POLL_NS);
            continue;
        }
        uint64_t now = device_clock_ns();
        uint64_t period = (uint64_t)(fmax(1e9 / how.rate_hz, how.exposure_us * 1e3));
        if (how.trigger_mode || next + period < now)
            next = now;
        if (!hold_on(next))
            continue;
        expose(id++, next, registers_now());
        next += period;
    }
    pthread_mutex_unlock(&lock);
    return NULL;
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

static void halt(void)
{
    if (!armed)
        return;
    pthread_mutex_lock(&lock);
    quit = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
    armed = false;
}

void stream_forget(void)
{
    halt();
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
    if (armed)
        return ERR_RESOURCE_IN_USE;
    quit = false;
    share = 0;
    armed = pthread_create(&thread, NULL, run, NULL) == 0;
    return armed ? OK : ERR_OUT_OF_MEMORY;
}

EXPORT gc_error DSStopAcquisition(gc_handle ds, int32_t flags)
{
    (void)flags;
    if (ds != &stream_object)
        return ERR_INVALID_HANDLE;
    halt();
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
    case DS_GRABBING: return put_bool(armed, type, out, size);
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
