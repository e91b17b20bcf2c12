/* sim/engine/router.h - which server a turn goes to. */
#ifndef REPRISE_SIM_ENGINE_ROUTER_H
#define REPRISE_SIM_ENGINE_ROUTER_H

#include "sim/engine/service.h"

/* What the router keeps in the service, whose numbers of engines are set; no server has a turn yet. */
void router_init(struct service *service);
void router_free(struct service *service);
/* The server has so many turns now that were asked there and have not ended. */
void router_note_load(struct service *service, uint32_t server, uint32_t turns);

/* The server that the session's turn, whose chain is given, goes to. */
uint32_t router_pick(struct service *service, const struct session *session,
                     const struct chain *chain);
/* Of the servers that decode, the one with the fewest turns. */
uint32_t router_pick_decoder(const struct service *service);

#endif
