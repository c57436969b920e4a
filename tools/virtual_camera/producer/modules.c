/* The modules above the stream: producer, system, interface and device. */
#include <stdio.h>
#include <string.h>

#include "camera.h"

#define INTERFACE_ID "virtual0"

char remote_object;
bool device_open;
static char system_object, interface_object, device_object;
static bool initialised, listed;
static gc_error last_error;

gc_error told(gc_error error)
{
    last_error = error;
    return error;
}

EXPORT gc_error GCInitLib(void)
{
    if (initialised)
        return told(ERR_RESOURCE_IN_USE);
    gc_error error = control_open();
    if (error == OK)
        error = pictures_open();
    if (error != OK)
        control_close();
    initialised = error == OK;
    listed = device_open = false;
    return told(error);
}

EXPORT gc_error GCCloseLib(void)
{
    if (!initialised)
        return told(ERR_NOT_INITIALIZED);
    stream_forget();
    pictures_close();
    control_close();
    initialised = false;
    return told(OK);
}

static gc_error system_info(int32_t what, int32_t *type, void *out, size_t *size)
{
    switch (what) {
    case TL_ID: return put_text(SYSTEM_ID, type, out, size);
    case TL_VENDOR: return put_text(VENDOR, type, out, size);
    case TL_MODEL: return put_text("Virtual producer", type, out, size);
    case TL_VERSION: return put_text("1.0", type, out, size);
    case TL_TLTYPE: return put_text(TL_TYPE, type, out, size);
    case TL_NAME:
    case TL_PATHNAME: return put_text("armicro_virtual.cti", type, out, size);
    case TL_DISPLAYNAME: return put_text("armicro virtual camera", type, out, size);
    case TL_ENCODING: return put_u32(1, type, out, size);
    case TL_MAJOR: return put_u32(1, type, out, size);
    case TL_MINOR: return put_u32(5, type, out, size);
    default: return ERR_NOT_IMPLEMENTED;
    }
}

EXPORT gc_error GCGetInfo(int32_t what, int32_t *type, void *out, size_t *size)
{
    return told(system_info(what, type, out, size));
}

EXPORT gc_error GCGetLastError(gc_error *code, char *text, size_t *size)
{
    char words[64];
    snprintf(words, sizeof words, "virtual camera: error %d", (int)last_error);
    if (code != NULL)
        *code = last_error;
    return put_text(words, NULL, text, size);
}

EXPORT gc_error TLOpen(gc_handle *out)
{
    *out = &system_object;
    return told(initialised ? OK : ERR_NOT_INITIALIZED);
}

EXPORT gc_error TLClose(gc_handle tl) { return told(tl == &system_object ? OK : ERR_INVALID_HANDLE); }

EXPORT gc_error TLGetInfo(gc_handle tl, int32_t what, int32_t *type, void *out, size_t *size)
{
    return told(tl == &system_object ? system_info(what, type, out, size) : ERR_INVALID_HANDLE);
}

EXPORT gc_error TLUpdateInterfaceList(gc_handle tl, gc_bool *changed_out, uint64_t timeout_ms)
{
    (void)timeout_ms;
    if (changed_out != NULL)
        *changed_out = 0;
    return told(tl == &system_object ? OK : ERR_INVALID_HANDLE);
}

EXPORT gc_error TLGetNumInterfaces(gc_handle tl, uint32_t *out)
{
    *out = 1;
    return told(tl == &system_object ? OK : ERR_INVALID_HANDLE);
}

EXPORT gc_error TLGetInterfaceID(gc_handle tl, uint32_t index, char *out, size_t *size)
{
    if (tl != &system_object)
        return told(ERR_INVALID_HANDLE);
    return told(index == 0 ? put_text(INTERFACE_ID, NULL, out, size) : ERR_INVALID_INDEX);
}

static gc_error interface_info(int32_t what, int32_t *type, void *out, size_t *size)
{
    switch (what) {
    case IF_ID: return put_text(INTERFACE_ID, type, out, size);
    case IF_DISPLAYNAME: return put_text("Virtual interface", type, out, size);
    case IF_TLTYPE: return put_text(TL_TYPE, type, out, size);
    default: return ERR_NOT_IMPLEMENTED;
    }
}

EXPORT gc_error TLGetInterfaceInfo(gc_handle tl, const char *id, int32_t what, int32_t *type, void *out,
                                   size_t *size)
{
    if (tl != &system_object || strcmp(id, INTERFACE_ID) != 0)
        return told(ERR_INVALID_ID);
    return told(interface_info(what, type, out, size));
}

EXPORT gc_error TLOpenInterface(gc_handle tl, const char *id, gc_handle *out)
{
    if (tl != &system_object || strcmp(id, INTERFACE_ID) != 0)
        return told(ERR_INVALID_ID);
    *out = &interface_object;
    return told(OK);
}

EXPORT gc_error IFClose(gc_handle i) { return told(i == &interface_object ? OK : ERR_INVALID_HANDLE); }

EXPORT gc_error IFGetInfo(gc_handle i, int32_t what, int32_t *type, void *out, size_t *size)
{
    return told(i == &interface_object ? interface_info(what, type, out, size) : ERR_INVALID_HANDLE);
}

EXPORT gc_error IFUpdateDeviceList(gc_handle i, gc_bool *changed_out, uint64_t timeout_ms)
{
    (void)timeout_ms;
    bool before = listed;
    listed = !control()->lost;
    if (changed_out != NULL)
        *changed_out = listed != before;
    return told(i == &interface_object ? OK : ERR_INVALID_HANDLE);
}

EXPORT gc_error IFGetNumDevices(gc_handle i, uint32_t *out)
{
    *out = listed ? 1 : 0;
    return told(i == &interface_object ? OK : ERR_INVALID_HANDLE);
}

EXPORT gc_error IFGetDeviceID(gc_handle i, uint32_t index, char *out, size_t *size)
{
    if (i != &interface_object)
        return told(ERR_INVALID_HANDLE);
    return told(listed && index == 0 ? put_text(camera_serial(), NULL, out, size) : ERR_INVALID_INDEX);
}

static int32_t access_status(void)
{
    if (device_open)
        return ACCESS_OPEN;
    return camera_claimed_elsewhere() ? ACCESS_BUSY : ACCESS_READWRITE;
}

static gc_error device_info(int32_t what, int32_t *type, void *out, size_t *size)
{
    switch (what) {
    case DEV_ID:
    case DEV_SERIAL: return put_text(camera_serial(), type, out, size);
    case DEV_VENDOR: return put_text(VENDOR, type, out, size);
    case DEV_MODEL:
    case DEV_USER_NAME: return put_text(MODEL, type, out, size);
    case DEV_TLTYPE: return put_text(TL_TYPE, type, out, size);
    case DEV_DISPLAYNAME: return put_text(VENDOR " " MODEL, type, out, size);
    case DEV_ACCESS: {
        int32_t status = access_status();
        return put(IS_INT32, &status, sizeof status, type, out, size);
    }
    case DEV_VERSION: return put_text("1.0", type, out, size);
    case DEV_TICKS: return put_u64(1000000000u, type, out, size);
    default: return ERR_NOT_IMPLEMENTED;
    }
}

EXPORT gc_error IFGetDeviceInfo(gc_handle i, const char *id, int32_t what, int32_t *type, void *out,
                                size_t *size)
{
    if (i != &interface_object || strcmp(id, camera_serial()) != 0)
        return told(ERR_INVALID_ID);
    return told(device_info(what, type, out, size));
}

EXPORT gc_error IFOpenDevice(gc_handle i, const char *id, int32_t flags, gc_handle *out)
{
    (void)flags;
    if (i != &interface_object || strcmp(id, camera_serial()) != 0 || control()->lost)
        return told(ERR_INVALID_ID);
    if (device_open)
        return told(ERR_RESOURCE_IN_USE);
    if (!camera_claim())
        return told(ERR_ACCESS_DENIED);
    registers_reset();
    device_open = true;
    *out = &device_object;
    return told(OK);
}

EXPORT gc_error DevClose(gc_handle d)
{
    if (d != &device_object || !device_open)
        return told(ERR_INVALID_HANDLE);
    stream_forget();
    camera_release();
    device_open = false;
    return told(OK);
}

EXPORT gc_error DevGetInfo(gc_handle d, int32_t what, int32_t *type, void *out, size_t *size)
{
    return told(d == &device_object ? device_info(what, type, out, size) : ERR_INVALID_HANDLE);
}

EXPORT gc_error DevGetPort(gc_handle d, gc_handle *out)
{
    *out = &remote_object;
    return told(d == &device_object && device_open ? OK : ERR_INVALID_HANDLE);
}

EXPORT gc_error DevGetNumDataStreams(gc_handle d, uint32_t *out)
{
    *out = 1;
    return told(d == &device_object ? OK : ERR_INVALID_HANDLE);
}

EXPORT gc_error DevGetDataStreamID(gc_handle d, uint32_t index, char *out, size_t *size)
{
    if (d != &device_object)
        return told(ERR_INVALID_HANDLE);
    return told(index == 0 ? put_text("stream0", NULL, out, size) : ERR_INVALID_INDEX);
}

EXPORT gc_error DevOpenDataStream(gc_handle d, const char *id, gc_handle *out)
{
    if (d != &device_object || strcmp(id, "stream0") != 0)
        return told(ERR_INVALID_ID);
    return told(stream_open(out));
}
