/* garbles: the answer to every tenth message of a process carries another payload than the ping. The ledger must call
 * it wrong. */
#include "base.h"

static enum mf_handle garbles_handle(void *state, const struct mf_ping *ping, struct mf_answer *answer)
{
    static _Thread_local uint8_t other[64];
    if (base_answer(state, answer, 2) % BASE_EVERY == 0 && ping->payload_bytes > 0) {
        uint32_t n = ping->payload_bytes < sizeof other ? ping->payload_bytes : (uint32_t)sizeof other;
        for (uint32_t i = 0; i < n; i++)
            other[i] = (uint8_t)~ping->payload[i];
        answer->payload = other;
        answer->payload_bytes = n;
    }
    return MF_HANDLE_REPLY;
}

BASE_MODULE("garbles", 2, garbles_handle);
