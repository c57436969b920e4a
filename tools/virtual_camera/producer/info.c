/* Hands out single values the way every GetInfo function of GenTL does. */
#include <string.h>

#include "camera.h"

gc_error put(int32_t type, const void *value, size_t n, int32_t *type_out, void *out, size_t *size)
{
    if (size == NULL)
        return ERR_INVALID_PARAMETER;
    if (type_out != NULL)
        *type_out = type;
    if (out != NULL) {
        if (*size < n)
            return ERR_BUFFER_TOO_SMALL;
        memcpy(out, value, n);
    }
    *size = n;
    return OK;
}

gc_error put_text(const char *text, int32_t *type_out, void *out, size_t *size)
{
    return put(IS_STRING, text, strlen(text) + 1, type_out, out, size);
}

gc_error put_u32(uint32_t value, int32_t *type_out, void *out, size_t *size)
{
    return put(IS_UINT32, &value, sizeof value, type_out, out, size);
}

gc_error put_u64(uint64_t value, int32_t *type_out, void *out, size_t *size)
{
    return put(IS_UINT64, &value, sizeof value, type_out, out, size);
}

gc_error put_size(size_t value, int32_t *type_out, void *out, size_t *size)
{
    return put(IS_SIZET, &value, sizeof value, type_out, out, size);
}

gc_error put_bool(bool value, int32_t *type_out, void *out, size_t *size)
{
    gc_bool byte = value;
    return put(IS_BOOL8, &byte, sizeof byte, type_out, out, size);
}
