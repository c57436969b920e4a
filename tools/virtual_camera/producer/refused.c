/* Functions of GenTL 1.5 and 1.6 that this producer does not have, and says so.

   The GenICam binding complains on the terminal of each one that is missing from the library. */
#include "gentl_abi.h"

#define REFUSED(name) EXPORT gc_error name(void); EXPORT gc_error name(void) { return ERR_NOT_IMPLEMENTED; }

REFUSED(GCGetPortURL)
REFUSED(GCReadPortStacked)
REFUSED(GCWritePortStacked)
REFUSED(EventGetDataInfo)
REFUSED(IFGetParentTL)
REFUSED(DevGetParentIF)
REFUSED(DSGetParentDev)
REFUSED(DSAllocAndAnnounceBuffer)
REFUSED(DSAnnounceCompositeBuffer)
REFUSED(DSGetBufferID)
REFUSED(DSGetBufferChunkData)
REFUSED(DSGetNumBufferParts)
REFUSED(DSGetBufferPartInfo)
REFUSED(DSGetNumFlows)
REFUSED(DSGetFlowInfo)
REFUSED(DSGetNumBufferSegments)
REFUSED(DSGetBufferSegmentInfo)
