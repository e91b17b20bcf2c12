/* sim/handover.c - prefill and decoding on different servers: a prefilled turn's KV crosses
 * the network to the server that decodes it. The decoding server pulls: its HBM is booked for the
 * whole context and reply first, and until the transfer has ended the KV stays in the HBM where it
 * was made, which so is the queue between the two. Source: DistServe (OSDI'24), section 4.3. The
 * decoding server stores nothing: the next turn finds the prompt's KV on the server that prefilled
 * it, and computes the reply's again. */
#include "sim/cluster.h"

#include "sim/engine/router.h"

void handover_begin(struct server *server, uint32_t handle)
{
    struct cluster *cluster = server->cluster;
    struct session *session = session_at(server, handle);
    session->decode_server = router_pick_decoder(&cluster->service);
    struct server *decoder = &cluster->server[session->decode_server];
    engine_announce(decoder->engine, now_of(decoder), handle);
    session->next = 0;
    if (decoder->handover_tail != 0)
        session_at(decoder, decoder->handover_tail)->next = handle;
    else
        decoder->handover_head = handle;
    decoder->handover_tail = handle;
    handover_take(decoder);
    server_go_on(decoder);
}

static uint64_t sent_bytes(const struct server *server, const struct session *session)
{
    return kv_layout_moved_bytes(&server->cluster->setup->kv, session->prefill_tokens);
}

static void send(struct server *decoder, uint32_t handle)
{
    const struct session *session = session_at(decoder, handle);
    decoder->handover_head = session->next;
    if (decoder->handover_head == 0)
        decoder->handover_tail = 0;
    copies_hand_over(&decoder->cluster->server[session->server], handle,
                     sent_bytes(decoder, session));
}

void handover_take(struct server *decoder)
{
    while (decoder->handover_head != 0 &&
           engine_expect(decoder->engine, now_of(decoder), decoder->handover_head))
        send(decoder, decoder->handover_head);
}

void handover_ended(struct server *server, uint32_t handle)
{
    struct server *decoder = &server->cluster->server[session_at(server, handle)->decode_server];
    engine_handed_over(server->engine, now_of(server), handle,
                       sent_bytes(server, session_at(server, handle)));
    engine_join(decoder->engine, now_of(decoder), handle);
    server_go_on(decoder);
}
