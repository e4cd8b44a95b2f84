/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Memory for arrays; see room.h. */
#include "room.h"

#include <stdlib.h>

void *room_for(uint64_t count, size_t size_bytes) {
    return count > SIZE_MAX / size_bytes ? NULL : calloc(count ? (size_t)count : 1, size_bytes);
}
