/* Ports: the way to the camera's registers and to its description. */
#include <stdio.h>

#include "camera.h"

static gc_error guarded(gc_handle port, gc_error (*act)(uint64_t, void *, size_t), uint64_t address,
                        void *data, size_t size)
{
    if (port != &remote_object)
        return ERR_INVALID_HANDLE;
    pthread_mutex_lock(&lock);
    gc_error error = device_open && !camera_dead() ? act(address, data, size) : ERR_IO;
    pthread_mutex_unlock(&lock);
    return error;
}

static gc_error write_out(uint64_t address, void *data, size_t size)
{
    return registers_write(address, data, size);
}

EXPORT gc_error GCReadPort(gc_handle port, uint64_t address, void *out, size_t *size)
{
    return told(guarded(port, registers_read, address, out, *size));
}

EXPORT gc_error GCWritePort(gc_handle port, uint64_t address, const void *in, size_t *size)
{
    return told(guarded(port, write_out, address, (void *)in, *size));
}

EXPORT gc_error GCGetPortInfo(gc_handle port, int32_t what, int32_t *type, void *out, size_t *size)
{
    bool remote = port == &remote_object;
    switch (what) {
    case PORT_ID: return told(put_text(remote ? camera_serial() : SYSTEM_ID, type, out, size));
    case PORT_VENDOR: return told(put_text(VENDOR, type, out, size));
    case PORT_MODEL: return told(put_text(MODEL, type, out, size));
    case PORT_TLTYPE: return told(put_text(TL_TYPE, type, out, size));
    case PORT_MODULE: return told(put_text(remote ? "Device" : "TLSystem", type, out, size));
    case PORT_LITTLE:
    case PORT_READ:
    case PORT_WRITE: return told(put_bool(true, type, out, size));
    case PORT_BIG:
    case PORT_NA:
    case PORT_NI: return told(put_bool(false, type, out, size));
    case PORT_VERSION: return told(put_text("1.0", type, out, size));
    case PORT_NAME: return told(put_text("Device", type, out, size));
    default: return told(ERR_NOT_IMPLEMENTED);
    }
}

EXPORT gc_error GCGetNumPortURLs(gc_handle port, uint32_t *out)
{
    *out = 1;
    /* Only the camera itself has features; its surroundings offer no description. */
    return told(port == &remote_object ? OK : ERR_NOT_AVAILABLE);
}

EXPORT gc_error GCGetPortURLInfo(gc_handle port, uint32_t index, int32_t what, int32_t *type, void *out,
                                 size_t *size)
{
    char url[128];
    if (port != &remote_object || index != 0)
        return told(ERR_NOT_AVAILABLE);
    snprintf(url, sizeof url, "Local:armicro_virtual.xml;%llx;%zx", XML_ADDRESS, description_xml_size);
    switch (what) {
    case URL_TEXT: return told(put_text(url, type, out, size));
    case URL_SCHEMA_MAJOR:
    case URL_SCHEMA_MINOR:
    case URL_MAJOR: {
        int32_t one = 1;
        return told(put(IS_INT32, &one, sizeof one, type, out, size));
    }
    case URL_ADDRESS: return told(put_u64(XML_ADDRESS, type, out, size));
    case URL_SIZE: return told(put_u64(description_xml_size, type, out, size));
    case URL_SCHEME: {
        int32_t local = 0;
        return told(put(IS_INT32, &local, sizeof local, type, out, size));
    }
    case URL_FILENAME: return told(put_text("armicro_virtual.xml", type, out, size));
    default: return told(ERR_NOT_IMPLEMENTED);
    }
}
