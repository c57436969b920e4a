/* The pictures that the camera sees: a mapped file of raw RGB, or a pattern that moves. */
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "camera.h"

#define MAGIC 0x31465641u /* "AVF1" */

typedef struct {
    uint32_t magic, count, height, width;
    uint8_t reserved[48];
} header;

static const uint8_t *mapped, *rgb;
static size_t mapped_size;
static uint8_t *pattern;
static uint32_t count, height, width;

static gc_error open_pattern(void)
{
    height = width = LARGEST_PX;
    count = LARGEST_PX;
    pattern = malloc((size_t)height * width * 3);
    if (pattern == NULL)
        return ERR_OUT_OF_MEMORY;
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++) {
            uint8_t *pixel = pattern + ((size_t)y * width + x) * 3;
            pixel[0] = (uint8_t)(x >> 2);
            pixel[1] = (uint8_t)(y >> 2);
            pixel[2] = (uint8_t)((x ^ y) >> 1);
        }
    return OK;
}

gc_error pictures_open(void)
{
    const char *path = getenv("ARMICRO_VIRTUAL_FRAMES");
    if (path == NULL || path[0] == 0)
        return open_pattern();
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return ERR_IO;
    struct stat now;
    void *memory = MAP_FAILED;
    if (fstat(file, &now) == 0 && (size_t)now.st_size > sizeof(header)) {
        mapped_size = (size_t)now.st_size;
        memory = mmap(NULL, mapped_size, PROT_READ, MAP_SHARED, file, 0);
    }
    close(file);
    if (memory == MAP_FAILED)
        return ERR_IO;
    mapped = memory;
    header h;
    memcpy(&h, mapped, sizeof h);
    bool fits = h.magic == MAGIC && h.count > 0 && h.width >= 16 && h.height >= 16 && h.width <= LARGEST_PX &&
                h.height <= LARGEST_PX && !((h.width | h.height) & 1) &&
                mapped_size - sizeof h >= (size_t)h.width * h.height * 3 * h.count;
    if (!fits) {
        pictures_close();
        return ERR_INVALID_VALUE;
    }
    count = h.count, height = h.height, width = h.width;
    rgb = mapped + sizeof h;
    return OK;
}

void pictures_close(void)
{
    if (mapped != NULL)
        munmap((void *)mapped, mapped_size);
    free(pattern);
    mapped = rgb = NULL;
    pattern = NULL;
}

uint32_t pictures_width(void) { return width; }
uint32_t pictures_height(void) { return height; }

static const uint8_t *row_of(uint64_t index, uint32_t y)
{
    if (rgb != NULL)
        return rgb + ((index % count) * height + y) * width * 3;
    return pattern + ((y + index * 8) % height) * width * 3;
}

/* What the sensor makes of each grey value: linear, clipped at 255. */
static bool response(const settings *now, uint8_t table[3][256])
{
    double factor = now->exposure_us / 8000 * pow(10, now->gain_db / 20);
    bool plain = true;
    for (int c = 0; c < 3; c++)
        for (int v = 0; v < 256; v++) {
            double seen = fmin(255, fmax(0, nearbyint(v * factor * now->balance[c])));
            table[c][v] = (uint8_t)seen;
            plain = plain && table[c][v] == v;
        }
    return plain;
}

static void pack12(const uint8_t *grey, uint8_t *out, uint32_t n)
{
    for (uint32_t x = 0; x + 1 < n; x += 2) {
        uint32_t a = (uint32_t)grey[x] << 4 | grey[x] >> 4, b = (uint32_t)grey[x + 1] << 4 | grey[x + 1] >> 4;
        *out++ = (uint8_t)a;
        *out++ = (uint8_t)(a >> 8 | (b & 15) << 4);
        *out++ = (uint8_t)(b >> 4);
    }
}

static void stamp(uint64_t index, uint8_t *row, uint32_t n)
{
    for (uint32_t bit = 0; bit < 16 && bit < n; bit++)
        memset(row + 3 * bit, index >> bit & 1 ? 255 : 0, 3);
}

void pictures_render(uint64_t index, const settings *now, uint8_t *out)
{
    uint8_t table[3][256], line[LARGEST_PX * 3], grey[LARGEST_PX];
    bool plain = response(now, table);
    for (uint32_t y = 0; y < now->height; y++) {
        uint32_t n = now->width, row_y = y + now->offset_y;
        const uint8_t *source = row_of(index, row_y) + (size_t)now->offset_x * 3;
        uint8_t *to = out + payload_size(now->format, n, 1) * y;
        if (!plain || (now->stamp && y == 0)) {
            for (uint32_t i = 0; i < n * 3; i++)
                line[i] = table[i % 3][source[i]];
            if (now->stamp && y == 0)
                stamp(index, line, n);
            source = line;
        }
        if (now->format == RGB8) {
            memcpy(to, source, (size_t)n * 3);
            continue;
        }
        uint8_t *single = now->format == BAYER_RG12P ? grey : to;
        for (uint32_t x = 0; x < n; x++) {
            const uint8_t *p = source + 3 * x;
            if (now->format == MONO8)
                single[x] = (uint8_t)((77u * p[0] + 150u * p[1] + 29u * p[2] + 128u) >> 8);
            else /* rows of R G and of G B, counted on the sensor; offsets are even */
                single[x] = p[(row_y & 1) + (x & 1)];
        }
        if (now->format == BAYER_RG12P)
            pack12(grey, to, n);
    }
}
