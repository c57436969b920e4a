/* The virtual camera: its registers, its pictures and the block by which faults are asked for. */
#ifndef ARMICRO_CAMERA_H
#define ARMICRO_CAMERA_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "gentl_abi.h"

#define LARGEST_PX 3008u
#define XML_ADDRESS 0x10000000ull
#define VENDOR "armicro"
#define MODEL "Virtual camera"
#define TL_TYPE "Custom"
#define SYSTEM_ID "armicro_virtual"

enum { MONO8 = 0x01080001, BAYER_RG8 = 0x01080009, BAYER_RG12P = 0x010C0059, RGB8 = 0x02180014 };

/* Memory shared with whoever tests; control.py says the same in Python. */
typedef struct {
    uint32_t magic;
    uint32_t incomplete_permille;
    uint32_t stalled;
    uint32_t lost;
    uint32_t delay_us;
    uint32_t width, height, format; /* sent instead of what is set; 0: as set */
    uint64_t frames_sent;
    uint64_t opened;
} control_block;

typedef struct {
    uint32_t width, height, offset_x, offset_y, format;
    uint32_t start, trigger_mode, stamp;
    double exposure_us, gain_db, rate_hz, balance[3];
} settings;

/* registers.c */
extern pthread_mutex_t lock;   /* guards everything below, and the stream */
extern pthread_cond_t changed; /* something below, or in the stream, has changed */
void registers_reset(void);
settings registers_now(void);
gc_error registers_read(uint64_t address, void *out, size_t size);
gc_error registers_write(uint64_t address, const void *in, size_t size);
uint32_t triggers_take(void); /* 1 if an exposure was asked for, and takes the wish */
void acquisition_off(void);
size_t payload_size(uint32_t format, uint32_t width, uint32_t height);
const char *camera_serial(void);
uint64_t device_clock_ns(void);
extern const unsigned char description_xml[];
extern const size_t description_xml_size;

/* control.c */
gc_error control_open(void);
void control_close(void);
control_block *control(void);
bool camera_claim(void); /* false where another one holds the camera */
void camera_release(void);
bool camera_claimed_elsewhere(void);
bool camera_dead(void);  /* lost since it was opened: dead until it is opened again */

/* pictures.c */
gc_error pictures_open(void);
void pictures_close(void);
uint32_t pictures_width(void);
uint32_t pictures_height(void);
/* Write picture `index` as the camera with these settings sees it; `out` has payload_size bytes. */
void pictures_render(uint64_t index, const settings *now, uint8_t *out);

/* modules.c */
extern char remote_object;
extern bool device_open;
gc_error told(gc_error error); /* remembers it for GCGetLastError, and returns it */

/* stream.c */
gc_error stream_open(gc_handle *out);
void stream_forget(void); /* close it, if it is open */
extern char stream_object;

/* info.c */
gc_error put(int32_t type, const void *value, size_t n, int32_t *type_out, void *out, size_t *size);
gc_error put_text(const char *text, int32_t *type_out, void *out, size_t *size);
gc_error put_u32(uint32_t value, int32_t *type_out, void *out, size_t *size);
gc_error put_u64(uint64_t value, int32_t *type_out, void *out, size_t *size);
gc_error put_size(size_t value, int32_t *type_out, void *out, size_t *size);
gc_error put_bool(bool value, int32_t *type_out, void *out, size_t *size);

#endif
