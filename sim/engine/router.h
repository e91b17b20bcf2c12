/* sim/engine/router.h - which server a turn goes to. */
#ifndef REPRISE_SIM_ENGINE_ROUTER_H
#define REPRISE_SIM_ENGINE_ROUTER_H

#include "sim/engine/service.h"

/* The server that the session's turn, whose chain is given, goes to. */
uint32_t router_pick(struct service *service, const struct session *session,
                     const struct chain *chain);
/* Of the servers that decode, the one with the fewest turns. */
uint32_t router_pick_decoder(const struct service *service);

#endif
