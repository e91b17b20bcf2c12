/* sim/engine_handover.c - prefill and decoding on different servers: a prefilled turn's KV crosses
 * the network to the server that decodes it. The decoding server pulls: its HBM is booked for the
 * whole context and reply first, and until the transfer has ended the KV stays in the HBM where it
 * was made, which so is the queue between the two. Source: DistServe (OSDI'24), section 4.3. The
 * decoding server stores nothing: the next turn finds the prompt's KV on the server that prefilled
 * it, and computes the reply's again. */
#include "base/memory.h"
#include "sim/engine.h"

void handover_begin(struct engine *engine, uint32_t handle)
{
    struct cluster *cluster = engine->cluster;
    struct session *session = &cluster->session[handle];
    session->decode_server = router_pick_decoder(cluster);
    struct engine *decoder = &cluster->engine[session->decode_server];
    session->decode_job = placement_queue(decoder->core, cluster->now_ns, &session->id, 1, 0, 1);
    memory_grow(&decoder->note, &decoder->note_capacity, (uint64_t)session->decode_job + 1,
                sizeof *decoder->note);
    decoder->note[session->decode_job] = (struct job_note){ .session = handle };
    decoder->turns_here++;
    session->next = 0;
    if (decoder->handover_tail != 0)
        cluster->session[decoder->handover_tail].next = handle;
    else
        decoder->handover_head = handle;
    decoder->handover_tail = handle;
    handover_take(decoder);
}

static bool take_one(struct engine *engine, uint32_t handle)
{
    struct session *session = session_of(engine, handle);
    uint32_t total = session->history_tokens + session->prompt_tokens + session->reply_tokens;
    struct placement_hits none;
    if (placement_prepare(engine->core, now_of(engine), session->decode_job, 0,
                          kv_layout_room(&engine->setup->kv, total), TIER_HBM,
                          &none) != PREPARE_DONE)
        return false;
    engine->handover_head = session->next;
    if (engine->handover_head == 0)
        engine->handover_tail = 0;
    engine->handovers++;
    struct engine *source = &engine->cluster->engine[session->server];
    copies_hand_over(source, handle,
                     kv_layout_moved_bytes(&engine->setup->kv, session->prefill_tokens));
    copies_act(engine);
    return true;
}

void handover_take(struct engine *engine)
{
    while (engine->handover_head != 0 && gpu_place_left(engine) &&
           take_one(engine, engine->handover_head))
        ;
}

void handover_ended(struct engine *engine, uint32_t handle)
{
    struct session *session = session_of(engine, handle);
    struct engine *decoder = &engine->cluster->engine[session->decode_server];
    ends_job(engine, session->job);
    engine->turns_here--;
    decoder->handovers--;
    handles_add(&decoder->joining, handle);
    gpu_look_up(decoder);
}
