/* sim/engine/setup.c - from an experiment's names and files to numbers. */
#include "sim/engine/setup.h"

#include "sim/engine/placement_keys.h"
#include "sim/engine/policy_name.h"

#include "base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

uint32_t engine_setup_prefill_servers(const struct engine_setup *setup)
{
    const struct experiment *experiment = setup->experiment;
    return experiment->prefill_replicas > 0 ? experiment->prefill_replicas : experiment->replicas;
}

/* ---- the server ---- */

static double less(double a, double b)
{
    return a < b ? a : b;
}

/* The tighter bound of two of which 0 says that there is none. */
static double tighter(double a, double b)
{
    return a <= 0.0 ? b : b <= 0.0 ? a : less(a, b);
}

static void set_links(struct engine_setup *setup)
{
    const struct hardware *hardware = &setup->hardware;
    double gpus = setup->experiment->gpus;
    setup->ssd_request_bytes =
        disks_request_bytes(setup->unit_tokens, setup->kv.tier_bytes[TIER_SSD]);
    struct disk_rates ssd = disks_rates(&setup->disks, hardware, setup->ssd_request_bytes,
                                        setup->experiment->queue_depth);
    setup->both_bytes_per_s[PAIR_SSD] = ssd.both_bytes_per_s;
    setup->both_bytes_per_s[PAIR_PCIE] =
        tighter(hardware->pcie_both_bytes_per_s, gpus * hardware->pcie_both_bytes_per_s_per_gpu);
    setup->link_bytes_per_s[LINK_H2D] =
        less(hardware->h2d_bytes_per_s, gpus * hardware->h2d_bytes_per_s_per_gpu);
    setup->link_bytes_per_s[LINK_D2H] =
        less(hardware->d2h_bytes_per_s, gpus * hardware->d2h_bytes_per_s_per_gpu);
    setup->link_bytes_per_s[LINK_SSD_READ] = ssd.read_bytes_per_s;
    setup->link_bytes_per_s[LINK_SSD_WRITE] = ssd.write_bytes_per_s;
    setup->link_bytes_per_s[LINK_NETWORK] = setup->experiment->network_bytes_per_s;
    setup->link_bytes_per_s[LINK_NETWORK_IN] = setup->experiment->network_bytes_per_s;
    setup->link_latency_ns[LINK_NETWORK] = setup->experiment->network_latency_ns;
    setup->link_latency_ns[LINK_NETWORK_IN] = setup->experiment->remote_latency_ns;
    setup->link_latency_ns[LINK_H2D] = hardware->pcie_latency_ns;
    setup->link_latency_ns[LINK_D2H] = hardware->pcie_latency_ns;
    setup->link_latency_ns[LINK_SSD_READ] = ssd.read_latency_ns;
    setup->link_latency_ns[LINK_SSD_WRITE] = ssd.write_latency_ns;
}

/* ---- the engine's CPU ---- */

struct timing_host engine_host(const struct experiment *experiment, const struct hardware *hardware)
{
    uint64_t iteration_ns = experiment->iteration_cpu_ns != UINT64_MAX
                                ? experiment->iteration_cpu_ns
                                : hardware->iteration_overhead_ns;
    return (struct timing_host){ .iteration_ns = (double)iteration_ns,
                                 .sequence_ns = (double)experiment->sequence_cpu_ns,
                                 .gap_ns = (double)experiment->iteration_gap_ns,
                                 .layer_ns = (double)experiment->layer_cpu_ns,
                                 .graph_tokens = experiment->graph_tokens,
                                 .overlaps = experiment->overlap_schedule };
}

/* Whose CPU the times have, and where whole runs are held against measured ones. */
static void say_host(struct engine_setup *setup)
{
    const char *engine = experiment_engine(setup->experiment);
    size_t used = strlen(setup->timing.source);
    if (!setup->timing.is_measured)
        snprintf(setup->timing.source + used, sizeof setup->timing.source - used,
                 "; CPU of %.64s; served runs are further off: docs/accuracy.md",
                 engine != NULL ? engine : "no engine in particular (assumed)");
}

/* ---- the model on it ---- */

static enum status set_model(struct engine_setup *setup, struct error *err)
{
    const struct experiment *experiment = setup->experiment;
    const struct engine_memory memory = experiment_memory(experiment);
    enum status status = model_load(experiment->model, &setup->model, err);
    if (status == STATUS_OK)
        status = hardware_load(experiment->hardware, &setup->hardware, err);
    if (status != STATUS_OK)
        return status;
    status = disks_for(experiment, &setup->hardware, &setup->disks, err);
    if (status != STATUS_OK)
        return status;
    if (experiment->hbm_utilisation > 0.0)
        setup->hardware.hbm_utilisation = experiment->hbm_utilisation;
    if (experiment->gpus > setup->hardware.gpus) {
        char expected[128], found[32];
        snprintf(expected, sizeof expected, "at most the %u of %.64s", setup->hardware.gpus,
                 setup->hardware.name);
        snprintf(found, sizeof found, "%u", experiment->gpus);
        return error_input(err, NULL, 0, "gpus", expected, found);
    }
    if (experiment->weight_format != 0)
        model_set_weight_format(&setup->model, (enum number_format)(experiment->weight_format - 1));
    if (experiment->kv_dtype != KV_AS_MODEL)
        setup->model.kv_bytes_per_value = experiment->kv_dtype == KV_FP8 ? 1.0 : 2.0;
    setup->window_tokens = experiment->context_window_tokens > 0
                               ? experiment->context_window_tokens
                               : setup->model.context_window_tokens;
    if (experiment->hbm_tokens > 0) /* measured: what is left is not estimated */
        status = model_check_ranks(&setup->model, &setup->hardware, experiment->gpus, err);
    else
        status = engine_kv_budget_bytes(&setup->model, &setup->hardware, experiment->gpus, &memory,
                                        &setup->kv_budget_bytes, err);
    if (status != STATUS_OK)
        return status;
    setup->timing = timing_new(&setup->model, &setup->hardware, experiment->gpus);
    timing_set_host(&setup->timing, engine_host(experiment, &setup->hardware));
    say_host(setup);
    return STATUS_OK;
}

/* ---- what is placed, and where ---- */

static uint32_t greater(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* A block that has a state of its own is as long as the engine makes it. */
static void raise_blocks(struct engine_setup *setup)
{
    const struct experiment *experiment = setup->experiment;
    uint32_t least = engine_state_block_tokens(&setup->model, experiment->gpus,
                                               experiment->state_block_multiple);
    uint32_t page = experiment->hbm_block_tokens;
    /* No page is longer than what the engine that made the trace's keys shared. */
    if (setup->unit_keys && setup->unit_tokens < page)
        page = setup->unit_tokens;
    setup->block_tokens = greater(page, least);
    if (setup->model.state_layers == 0 || setup->unit_keys || setup->unit_tokens == UINT32_MAX)
        return;
    setup->unit_tokens =
        greater(greater(setup->unit_tokens, least), experiment->state_interval_tokens);
    setup->raised = setup->unit_tokens > experiment->block_tokens;
}

static enum status set_unit(struct engine_setup *setup, struct trace_facts facts, struct error *err)
{
    const struct experiment *experiment = setup->experiment;
    setup->unit_keys = facts.block_tokens > 0;
    setup->open_loop = facts.open_loop;
    if (setup->unit_keys && experiment->unit == PLACE_SESSIONS)
        return error_input(err, NULL, 0, "placement.unit",
                           "auto or block: the trace's requests share prefix blocks, not sessions",
                           "session");
    if (setup->unit_keys)
        setup->unit_tokens = facts.block_tokens;
    else
        setup->unit_tokens =
            experiment->unit == PLACE_BLOCKS ? experiment->block_tokens : UINT32_MAX;
    if (setup->unit_tokens == UINT32_MAX && experiment->placement.save != SAVE_LACKING)
        return error_input(err, NULL, 0, "placement.save",
                           "lacking, where placement.unit is not block", "another");
    raise_blocks(setup);
    return STATUS_OK;
}

static void set_tiers(struct engine_setup *setup)
{
    const struct experiment *experiment = setup->experiment;
    struct placement_config *config = &setup->placement;
    const double *rate = setup->link_bytes_per_s;
    bool stores = config->policy->saves;
    uint64_t dram =
        experiment->dram_bytes != UINT64_MAX ? experiment->dram_bytes : setup->hardware.dram_bytes;
    config->capacity_bytes[TIER_HBM] = setup->kv_budget_bytes;
    uint64_t usable_dram = tier_usable_bytes(dram, rate[LINK_H2D], rate[LINK_D2H]);
    uint64_t usable_ssd =
        tier_usable_bytes(setup->disks.capacity_bytes, rate[LINK_SSD_READ], rate[LINK_SSD_WRITE]);
    config->capacity_bytes[TIER_DRAM] =
        stores ? kv_layout_core_bytes(&setup->kv, usable_dram, TIER_DRAM) : 0;
    config->capacity_bytes[TIER_SSD] =
        stores ? kv_layout_core_bytes(&setup->kv, usable_ssd, TIER_SSD) : 0;
    setup->remote_bytes = stores ? experiment->remote_bytes : 0;
    config->hbm_cache_bytes = stores ? experiment->hbm_cache_bytes : 0;
    config->unit_tokens = setup->unit_tokens;
    config->bytes_per_token = setup->kv.bytes_per_token;
    struct recompute_time recompute = timing_recompute(&setup->timing);
    config->recompute_base_ns = recompute.base_ns;
    config->recompute_slope_ns = recompute.slope_ns;
    placement_keys_set(experiment, config);
    config->quotas = tenant_lists_have_quotas(&setup->tenants);
    config->keys.ssd_admit_bytes =
        kv_layout_core_bytes(&setup->kv, config->keys.ssd_admit_bytes, TIER_SSD);
}

/* A turn may fill the window, and must then fit into HBM by itself. */
static enum status check_window(const struct engine_setup *setup, struct error *err)
{
    uint32_t tokens = kv_layout_longest(&setup->kv, setup->kv_budget_bytes);
    if (setup->window_tokens >= 2 && setup->window_tokens <= tokens)
        return STATUS_OK;
    char expected[256], found[64], states[128] = "", state[32];
    bool blocks = setup->kv.whole_blocks && setup->kv.shape.state_bytes > 0;
    units_format((double)setup->kv.shape.state_bytes, UNIT_BYTES, state, sizeof state);
    if (blocks)
        snprintf(states, sizeof states,
                 " (blocks of %u tokens, a state of %s in each: larger ones or "
                 "tiers.hbm.cache=0 hold more)",
                 setup->unit_tokens, state);
    snprintf(expected, sizeof expected,
             "2 to %u tokens, whose KV fits into the HBM that %.64s leaves on %u GPU(s)%.100s",
             tokens, setup->model.name, setup->experiment->gpus, states);
    snprintf(found, sizeof found, "%u", setup->window_tokens);
    return error_input(err, NULL, 0, "engine.context_window", expected, found);
}

/* A number of another model, format or GPU, not of this one. */
static enum status refuse_measured(const struct engine_setup *setup, uint64_t most_bytes,
                                   struct error *err)
{
    const struct experiment *experiment = setup->experiment;
    const struct kv_layout *kv = &setup->kv;
    uint64_t weights = model_weight_bytes(&setup->model, experiment->gpus);
    char weights_text[32], kv_text[32], expected[256], found[96];
    units_format((double)weights, UNIT_BYTES, weights_text, sizeof weights_text);
    units_format((double)setup->kv_budget_bytes, UNIT_BYTES, kv_text, sizeof kv_text);
    snprintf(expected, sizeof expected,
             "at most %" PRIu64 " tokens, which %u GPU(s) hold beside %s of weights; else set "
             "engine.weight_format, kv_dtype, context_window, gpus as the engine had them",
             engine_held_tokens(&kv->shape, kv->slack_tokens, setup->window_tokens, most_bytes),
             experiment->gpus, weights_text);
    snprintf(found, sizeof found, "%" PRIu64 " tokens, %s of KV", experiment->hbm_tokens, kv_text);
    return error_input(err, NULL, 0, "engine.hbm_tokens", expected, found);
}

static enum status set_measured(struct engine_setup *setup, struct error *err)
{
    const struct experiment *experiment = setup->experiment;
    uint64_t most = engine_kv_most_bytes(&setup->model, &setup->hardware, experiment->gpus);
    setup->kv_budget_bytes =
        kv_layout_measured_bytes(&setup->kv, experiment->hbm_tokens, setup->window_tokens);
    return setup->kv_budget_bytes <= most ? STATUS_OK : refuse_measured(setup, most, err);
}

static enum status set_kv(struct engine_setup *setup, struct error *err)
{
    const struct experiment *experiment = setup->experiment;
    setup->kv = kv_layout_new(&setup->model, experiment, setup->unit_tokens,
                              setup->placement.policy->saves);
    if (experiment->hbm_tokens > 0 && set_measured(setup, err) != STATUS_OK)
        return err->status;
    return check_window(setup, err);
}

static enum status set_tenants(struct engine_setup *setup, struct error *err)
{
    const struct tenant_list *priority = &setup->tenants.priority;
    enum status status = tenant_lists_parse(&setup->experiment->tenants, &setup->tenants, err);
    setup->rank_most = tenant_lists_have_priorities(&setup->tenants) ? TENANT_PRIORITY : 1;
    for (uint32_t i = 0; i < priority->count; i++)
        setup->rank_most = greater(setup->rank_most, (uint32_t)priority->value[i]);
    return status;
}

/* ---- all together ---- */

/* Servers that only prefill need others that decode; what is decoded elsewhere is not pushed out,
 * since it would have to go back to be prefilled. */
static enum status check_cluster(const struct experiment *experiment, struct error *err)
{
    if (experiment->prefill_replicas == 0)
        return STATUS_OK;
    if (experiment->prefill_replicas >= experiment->replicas) {
        char expected[64], found[32];
        snprintf(expected, sizeof expected, "fewer than cluster.replicas (%u)",
                 experiment->replicas);
        snprintf(found, sizeof found, "%u", experiment->prefill_replicas);
        return error_input(err, NULL, 0, "cluster.prefill_replicas", expected, found);
    }
    if (experiment->allocation == ALLOCATE_GROW)
        return error_input(err, NULL, 0, "engine.allocation",
                           "reserve, where other servers decode (cluster.prefill_replicas)",
                           "grow");
    return STATUS_OK;
}

static enum status set_placement(struct engine_setup *setup, struct trace_facts facts,
                                 struct error *err)
{
    enum status status = set_unit(setup, facts, err);
    if (status == STATUS_OK)
        status = set_kv(setup, err);
    if (status != STATUS_OK)
        return status;
    set_links(setup);
    set_tiers(setup);
    if (setup->remote_bytes > 0 && setup->placement.capacity_bytes[TIER_DRAM] == 0)
        return error_input(err, NULL, 0, "tiers.dram.capacity",
                           "more than 0: DRAM passes on what goes to the remote pool", "0");
    return STATUS_OK;
}

enum status engine_setup_open_from(struct inputs *inputs, const struct experiment *experiment,
                                   struct engine_setup *setup, struct trace **trace,
                                   struct error *err)
{
    const char *policy =
        experiment->eviction[0] != '\0' ? experiment->eviction : experiment->policy;
    *setup = (struct engine_setup){ .experiment = experiment };
    *trace = NULL;
    enum status status = policy_name_parse(policy, &setup->placement, err);
    if (status == STATUS_OK)
        status = placement_keys_check(experiment, err);
    if (status == STATUS_OK)
        status = set_tenants(setup, err);
    if (status == STATUS_OK)
        status = check_cluster(experiment, err);
    if (status == STATUS_OK)
        status = set_model(setup, err);
    if (status != STATUS_OK)
        return status;
    status = inputs_open_trace(inputs, experiment, trace, err);
    return status == STATUS_OK ? set_placement(setup, trace_facts(*trace), err) : status;
}

enum status engine_setup_open(const struct experiment *experiment, struct engine_setup *setup,
                              struct trace **trace, struct error *err)
{
    return engine_setup_open_from(NULL, experiment, setup, trace, err);
}
