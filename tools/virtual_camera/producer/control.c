/* The control block in a shared file: faults on request, and who holds the camera. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "camera.h"

#define MAGIC 0x31435641u /* "AVC1" */
#define FILE_SIZE 4096

static control_block *block;
static char path[4096];
static int claim = -1;
static bool died;

gc_error control_open(void)
{
    const char *asked = getenv("ARMICRO_VIRTUAL_CONTROL"), *folder = getenv("TMPDIR");
    if (asked != NULL)
        snprintf(path, sizeof path, "%s", asked);
    else
        snprintf(path, sizeof path, "%s/armicro-virtual-camera-%u.control",
                 folder != NULL ? folder : "/tmp", (unsigned)getuid());
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return ERR_IO;
    struct stat now;
    void *memory = MAP_FAILED;
    if (fstat(file, &now) == 0 && (now.st_size >= FILE_SIZE || ftruncate(file, FILE_SIZE) == 0))
        memory = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory == MAP_FAILED)
        return ERR_IO;
    block = memory;
    block->magic = MAGIC;
    return OK;
}

void control_close(void)
{
    camera_release();
    if (block != NULL)
        munmap(block, FILE_SIZE);
    block = NULL;
}

control_block *control(void) { return block; }

/* The kernel drops this lock when its holder dies, so that a crash never leaves the camera taken. */
static int try_claim(void)
{
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file >= 0 && flock(file, LOCK_EX | LOCK_NB) != 0) {
        close(file);
        return -1;
    }
    return file;
}

bool camera_claim(void)
{
    if (claim >= 0)
        return false;
    claim = try_claim();
    died = false;
    if (claim >= 0)
        block->opened++;
    return claim >= 0;
}

void camera_release(void)
{
    if (claim >= 0)
        close(claim);
    claim = -1;
}

bool camera_claimed_elsewhere(void)
{
    if (claim >= 0)
        return false;
    int file = try_claim();
    if (file < 0)
        return true;
    close(file);
    return false;
}

bool camera_dead(void)
{
    died = died || block->lost;
    return died;
}
