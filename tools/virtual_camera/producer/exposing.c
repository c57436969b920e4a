/* The thread that exposes into the stream's buffers, at the camera's pace and with the faults asked for. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "stream.h"

#define POLL_NS 10000000

static bool armed, quit;
static pthread_t thread;
static uint32_t share;

bool wait_until(uint64_t at)
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

bool exposing(void) { return armed; }

gc_error exposing_start(void)
{
    if (armed)
        return ERR_RESOURCE_IN_USE;
    quit = false;
    share = 0;
    armed = pthread_create(&thread, NULL, run, NULL) == 0;
    return armed ? OK : ERR_OUT_OF_MEMORY;
}

void exposing_stop(void)
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
