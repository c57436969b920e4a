/* The part of the GenTL 1.5 interface that this producer offers: types, numbers and nothing else. */
#ifndef ARMICRO_GENTL_ABI_H
#define ARMICRO_GENTL_ABI_H

#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

typedef int32_t gc_error;
typedef uint8_t gc_bool;
typedef void *gc_handle;

enum { /* what a function returns */
    OK = 0,
    ERR_NOT_INITIALIZED = -1002,
    ERR_NOT_IMPLEMENTED = -1003,
    ERR_RESOURCE_IN_USE = -1004,
    ERR_ACCESS_DENIED = -1005,
    ERR_INVALID_HANDLE = -1006,
    ERR_INVALID_ID = -1007,
    ERR_NO_DATA = -1008,
    ERR_INVALID_PARAMETER = -1009,
    ERR_IO = -1010,
    ERR_TIMEOUT = -1011,
    ERR_NOT_AVAILABLE = -1014,
    ERR_INVALID_ADDRESS = -1015,
    ERR_BUFFER_TOO_SMALL = -1016,
    ERR_INVALID_INDEX = -1017,
    ERR_INVALID_VALUE = -1019,
    ERR_OUT_OF_MEMORY = -1021,
    ERR_BUSY = -1022
};

enum { /* type of a piece of information */
    IS_STRING = 1,
    IS_INT32 = 5,
    IS_UINT32 = 6,
    IS_UINT64 = 8,
    IS_PTR = 10,
    IS_BOOL8 = 11,
    IS_SIZET = 12,
    IS_BUFFER = 13
};

enum { /* information on the producer */
    TL_ID, TL_VENDOR, TL_MODEL, TL_VERSION, TL_TLTYPE, TL_NAME, TL_PATHNAME, TL_DISPLAYNAME, TL_ENCODING,
    TL_MAJOR, TL_MINOR
};

enum { IF_ID, IF_DISPLAYNAME, IF_TLTYPE };

enum { /* information on a device */
    DEV_ID, DEV_VENDOR, DEV_MODEL, DEV_TLTYPE, DEV_DISPLAYNAME, DEV_ACCESS, DEV_USER_NAME, DEV_SERIAL,
    DEV_VERSION, DEV_TICKS
};

enum { ACCESS_READWRITE = 1, ACCESS_NONE = 3, ACCESS_BUSY = 4, ACCESS_OPEN = 5 };

enum { /* information on a port */
    PORT_ID, PORT_VENDOR, PORT_MODEL, PORT_TLTYPE, PORT_MODULE, PORT_LITTLE, PORT_BIG, PORT_READ, PORT_WRITE,
    PORT_NA, PORT_NI, PORT_VERSION, PORT_NAME
};

enum { /* information on a description's address */
    URL_TEXT, URL_SCHEMA_MAJOR, URL_SCHEMA_MINOR, URL_MAJOR, URL_MINOR, URL_SUBMINOR, URL_SHA1,
    URL_ADDRESS, URL_SIZE, URL_SCHEME, URL_FILENAME
};

enum { EVENT_NEW_BUFFER = 1 };
enum { EVENT_TYPE, EVENT_IN_QUEUE, EVENT_FIRED, EVENT_SIZE_MAX, EVENT_INFO_SIZE_MAX };

enum { QUEUE_IN_TO_OUT, QUEUE_OUT_DISCARD, QUEUE_ALL_TO_IN, QUEUE_UNQUEUED_TO_IN, QUEUE_ALL_DISCARD };

enum { /* information on a stream */
    DS_ID, DS_DELIVERED, DS_UNDERRUN, DS_ANNOUNCED, DS_QUEUED, DS_AWAITING, DS_STARTED, DS_PAYLOAD,
    DS_GRABBING, DS_DEFINES_PAYLOAD, DS_TLTYPE, DS_CHUNKS_MAX, DS_BUFFERS_MIN, DS_ALIGNMENT
};

enum { /* information on a buffer */
    BUF_BASE, BUF_SIZE, BUF_USER, BUF_TIMESTAMP, BUF_NEW, BUF_IS_QUEUED, BUF_IS_ACQUIRING, BUF_INCOMPLETE,
    BUF_TLTYPE, BUF_FILLED, BUF_WIDTH, BUF_HEIGHT, BUF_OFFSET_X, BUF_OFFSET_Y, BUF_PADDING_X, BUF_PADDING_Y,
    BUF_FRAME_ID, BUF_IMAGE_PRESENT, BUF_IMAGE_OFFSET, BUF_PAYLOAD_TYPE, BUF_FORMAT, BUF_FORMAT_NAMESPACE,
    BUF_DELIVERED_HEIGHT, BUF_DATA_SIZE = 27, BUF_TIMESTAMP_NS = 28
};

enum { PAYLOAD_IMAGE = 1, NAMESPACE_PFNC_32BIT = 4 };

/* What EventGetData gives for a new buffer. */
typedef struct {
    gc_handle buffer;
    void *user;
} new_buffer;

#endif
