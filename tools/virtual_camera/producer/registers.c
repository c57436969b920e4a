/* The camera's registers: a block of little-endian memory, as description.xml tells. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "camera.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "this producer keeps its registers in the order of the host, which must be little-endian"
#endif

#define SIZE 0x400
enum {
    R_VENDOR = 0x100, R_MODEL = 0x120, R_SERIAL = 0x140, R_VERSION = 0x160,
    R_WIDTH = 0x200, R_HEIGHT = 0x204, R_OFFSET_X = 0x208, R_OFFSET_Y = 0x20C, R_FORMAT = 0x210,
    R_PAYLOAD = 0x214, R_WIDTH_MAX = 0x218, R_HEIGHT_MAX = 0x21C,
    R_START = 0x244, R_STOP = 0x248, R_TRIGGER_MODE = 0x250, R_TRIGGER = 0x258, R_STAMP = 0x25C,
    R_EXPOSURE = 0x280, R_GAIN = 0x288, R_RATE = 0x290, R_RATE_ON = 0x298, R_BALANCE = 0x2A0,
    R_LATCH = 0x2C0, R_LATCHED = 0x2C8,
    R_FAULTS = 0x300, R_FAULTS_END = 0x31C /* the control block without its magic */
};

pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static uint8_t memory[SIZE];
static uint32_t triggers;

static uint32_t u32(size_t at)
{
    uint32_t value;
    memcpy(&value, memory + at, sizeof value);
    return value;
}

static double f64(size_t at)
{
    double value;
    memcpy(&value, memory + at, sizeof value);
    return value;
}

static void set_u32(size_t at, uint32_t value) { memcpy(memory + at, &value, sizeof value); }
static void set_f64(size_t at, double value) { memcpy(memory + at, &value, sizeof value); }
static void set_text(size_t at, const char *text) { strncpy((char *)memory + at, text, 31); }

const char *camera_serial(void)
{
    const char *asked = getenv("ARMICRO_VIRTUAL_SERIAL");
    return asked != NULL && asked[0] != 0 ? asked : "VC-0001";
}

uint64_t device_clock_ns(void)
{
    /* A clock of its own, as cameras have: it does not agree with the host's. */
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec + 7777777777u;
}

size_t payload_size(uint32_t format, uint32_t width, uint32_t height)
{
    size_t pixels = (size_t)width * height;
    if (format == RGB8)
        return pixels * 3;
    return format == BAYER_RG12P ? pixels / 2 * 3 : pixels;
}

void registers_reset(void)
{
    memset(memory, 0, sizeof memory);
    triggers = 0;
    set_u32(0, 1);
    set_text(R_VENDOR, VENDOR);
    set_text(R_MODEL, MODEL);
    set_text(R_SERIAL, camera_serial());
    set_text(R_VERSION, "1.0");
    set_u32(R_WIDTH, pictures_width());
    set_u32(R_HEIGHT, pictures_height());
    set_u32(R_WIDTH_MAX, pictures_width());
    set_u32(R_HEIGHT_MAX, pictures_height());
    set_u32(R_FORMAT, RGB8);
    set_u32(R_RATE_ON, 1);
    set_f64(R_EXPOSURE, 8000);
    const char *rate = getenv("ARMICRO_VIRTUAL_RATE");
    set_f64(R_RATE, rate != NULL && atof(rate) > 0 ? atof(rate) : 30);
    set_u32(R_STAMP, getenv("ARMICRO_VIRTUAL_STAMP") != NULL);
    for (int c = 0; c < 3; c++)
        set_f64(R_BALANCE + 8 * (size_t)c, 1);
}

settings registers_now(void)
{
    settings now = {
        .width = u32(R_WIDTH), .height = u32(R_HEIGHT), .offset_x = u32(R_OFFSET_X),
        .offset_y = u32(R_OFFSET_Y), .format = u32(R_FORMAT), .start = u32(R_START),
        .trigger_mode = u32(R_TRIGGER_MODE), .stamp = u32(R_STAMP), .exposure_us = f64(R_EXPOSURE),
        .gain_db = f64(R_GAIN), .rate_hz = f64(R_RATE),
        .balance = {f64(R_BALANCE), f64(R_BALANCE + 8), f64(R_BALANCE + 16)},
    };
    return now;
}

uint32_t triggers_take(void)
{
    uint32_t asked = triggers;
    triggers = 0;
    return asked;
}

void acquisition_off(void) { set_u32(R_START, 0); }

gc_error registers_read(uint64_t address, void *out, size_t size)
{
    if (address >= XML_ADDRESS && address - XML_ADDRESS + size <= description_xml_size) {
        memcpy(out, description_xml + (address - XML_ADDRESS), size);
        return OK;
    }
    if (address >= R_FAULTS && address + size <= R_FAULTS_END) {
        memcpy(out, (uint8_t *)control() + 4 + (address - R_FAULTS), size);
        return OK;
    }
    if (address + size > SIZE)
        return ERR_INVALID_ADDRESS;
    set_u32(R_PAYLOAD, (uint32_t)payload_size(u32(R_FORMAT), u32(R_WIDTH), u32(R_HEIGHT)));
    memcpy(out, memory + address, size);
    return OK;
}

static bool settings_make_sense(void)
{
    settings now = registers_now();
    bool known = now.format == MONO8 || now.format == BAYER_RG8 || now.format == BAYER_RG12P || now.format == RGB8;
    bool even = !((now.width | now.height | now.offset_x | now.offset_y) & 1);
    return known && even && now.width >= 16 && now.height >= 16 && now.width <= pictures_width() &&
           now.height <= pictures_height() && now.offset_x <= pictures_width() - now.width &&
           now.offset_y <= pictures_height() - now.height && isfinite(now.exposure_us) &&
           now.exposure_us >= 20 && now.exposure_us <= 1e6 && now.rate_hz >= 0.1 && now.rate_hz <= 200;
}

gc_error registers_write(uint64_t address, const void *in, size_t size)
{
    if (address >= R_FAULTS && address + size <= R_FAULTS_END) {
        memcpy((uint8_t *)control() + 4 + (address - R_FAULTS), in, size);
        pthread_cond_broadcast(&changed);
        return OK;
    }
    if (address < R_WIDTH || address + size > R_FAULTS)
        return address < R_WIDTH ? ERR_ACCESS_DENIED : ERR_INVALID_ADDRESS;
    uint8_t before[SIZE];
    memcpy(before, memory, SIZE);
    memcpy(memory + address, in, size);
    if (!settings_make_sense()) {
        memcpy(memory, before, SIZE);
        return ERR_INVALID_VALUE;
    }
    if (u32(R_STOP))
        set_u32(R_START, 0);
    if (u32(R_TRIGGER))
        triggers = 1;
    if (u32(R_LATCH)) {
        uint64_t now = device_clock_ns();
        memcpy(memory + R_LATCHED, &now, sizeof now);
    }
    set_u32(R_STOP, 0);
    set_u32(R_TRIGGER, 0);
    set_u32(R_LATCH, 0);
    pthread_cond_broadcast(&changed);
    return OK;
}
