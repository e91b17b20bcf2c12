/* models/breakdown.c - see breakdown.h. Products, element-wise operators and all-reduces are
 * evaluated one by one, as timing.c and timing_tables.c sum them; what mixes tokens (attention) is
 * what is left of the layer's time, so that the sum is the simulator's whatever kinds of attention
 * a model has. tests/models/test_breakdown.c holds it against attention's own equation. */
#include "models/breakdown.h"

#include "models/timing_tables.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define ACTIVATION_BYTES 2.0
#define NS_PER_SECOND 1e9

const char *const bound_names[BOUNDS] = { "compute", "memory", "launch", "link", "overhead" };

/* An iteration that is taken apart. */
struct parts {
    const struct model *model;
    const struct hardware *hardware;
    uint32_t ranks;
    struct timing timing;
    struct gpu_peak peak;
    double tokens; /* that pass through the layers */
    double logits; /* that the output head is asked for */
    double cpu_ns; /* of the iteration: what the GPU waits for */
    struct breakdown *out;
};

static struct breakdown_row *add(struct parts *parts, const char *name, double times)
{
    assert(parts->out->rows < BREAKDOWN_ROWS_MAX);
    struct breakdown_row *row = &parts->out->row[parts->out->rows++];
    *row = (struct breakdown_row){ .name = name, .times = times };
    return row;
}

static enum bound longest(struct operator_parts parts)
{
    if (parts.starting_ns >= parts.computing_ns && parts.starting_ns >= parts.moving_ns)
        return BOUND_LAUNCH;
    return parts.computing_ns > parts.moving_ns ? BOUND_COMPUTE : BOUND_MEMORY;
}

/* ---- the tables' way of asking an operator ---- */

typedef double operator_ns(const struct parts *parts, const void *what, double tokens);

/* As a timing_table holds it: exact up to 64 tokens and at the ends of blocks of 64, a line
 * between, a line of the second half's slope beyond. */
static double as_tabled(const struct parts *parts, operator_ns *ns, const void *what, double tokens)
{
    const double block = TIMING_BLOCK, most = TIMING_BLOCK * TIMING_BLOCKS;
    if (tokens <= block)
        return ns(parts, what, tokens);
    if (tokens > most) {
        double last = ns(parts, what, most), half = ns(parts, what, most / 2);
        return last + (tokens - most) * (last - half) / (most / 2);
    }
    uint64_t index = (uint64_t)tokens - 1, start = index / TIMING_BLOCK * TIMING_BLOCK;
    double first = ns(parts, what, (double)start + 1);
    double last = ns(parts, what, (double)start + block);
    return first + (double)(index - start) / (block - 1) * (last - first);
}

static double product_ns(const struct parts *parts, const void *what, double tokens)
{
    return timing_product_ns(&parts->hardware->operators, parts->peak, what, parts->model,
                             parts->ranks, tokens);
}

static double stream_ns(const struct parts *parts, const void *what, double tokens)
{
    const struct stream *stream = what;
    return timing_stream_ns(&parts->hardware->operators, parts->peak, stream, tokens);
}

/* ---- products ---- */

/* One layer that has it, by the roofline. share: of the layers, by which timing.c multiplied. */
static struct operator_parts roofline_product(const struct parts *parts,
                                              const struct timing_matrix *matrix,
                                              double touched_share, double share, double tokens)
{
    double weights_ns = (matrix->routed ? touched_share : 1) * matrix->weights_ns;
    return (struct operator_parts){ .computing_ns = tokens * matrix->compute_ns / share,
                                    .moving_ns = (weights_ns + tokens * matrix->stream_ns) / share,
                                    .starting_ns = (double)parts->hardware->kernel_launch_ns };
}

static double greater(double a, double b)
{
    return a > b ? a : b;
}

/* roofline: what timing.c prepared of this matrix. */
static void add_product(struct parts *parts, const struct matrix *matrix,
                        const struct timing_matrix *roofline, double times, double tokens)
{
    double inputs = (double)matrix->inputs / (matrix->split == SPLIT_INPUTS ? parts->ranks : 1);
    double outputs = (double)matrix->outputs / (matrix->split == SPLIT_OUTPUTS ? parts->ranks : 1);
    double touched = matrix->count > 1 ? timing_touched_experts(matrix, tokens) : 1;
    struct breakdown_row *row = add(parts, matrix->name, times);
    row->flop = 2 * tokens * matrix->used * inputs * outputs;
    row->weight_bytes = touched * inputs * outputs * matrix_weight_bytes(matrix, parts->model);
    row->activation_bytes = tokens * matrix->used * (inputs + outputs) * ACTIVATION_BYTES;
    struct operator_parts limits;
    if (parts->timing.tabled) {
        limits = timing_product_parts(&parts->hardware->operators, parts->peak, matrix,
                                      parts->model, parts->ranks, tokens);
        row->ns = as_tabled(parts, product_ns, matrix, tokens);
    } else {
        double share = (double)matrix->layers / parts->model->layers;
        limits = roofline_product(parts, roofline, touched / matrix->count, share, tokens);
        row->ns = limits.starting_ns + greater(limits.computing_ns, limits.moving_ns);
    }
    row->bound = longest(limits);
}

static double experts_call_ns(const struct parts *parts, const void *what, double tokens)
{
    (void)what;
    return timing_expert_parts(&parts->hardware->operators, parts->peak, parts->model, parts->ranks,
                               tokens)
        .whole_ns;
}

/* One call for both products of the routed experts and what is between them. */
static void add_experts(struct parts *parts, const struct matrix *up, const struct matrix *down)
{
    const struct model *model = parts->model;
    struct breakdown_row *row = add(parts, "experts", up->layers);
    double tokens = parts->tokens, touched = timing_touched_experts(up, tokens);
    double inter = (double)model->expert_ffn / parts->ranks;
    double weights = (double)up->inputs * (double)up->outputs / parts->ranks +
                     (double)down->inputs * (double)down->outputs / parts->ranks;
    row->flop = 2 * tokens * up->used * weights;
    row->weight_bytes = touched * weights * matrix_weight_bytes(up, model);
    row->activation_bytes = tokens * up->used * 2 * ((double)up->inputs + inter) * ACTIVATION_BYTES;
    row->ns = as_tabled(parts, experts_call_ns, NULL, tokens);
    struct expert_parts limits =
        timing_expert_parts(&parts->hardware->operators, parts->peak, model, parts->ranks, tokens);
    row->bound = longest((struct operator_parts){ .computing_ns = limits.computing_ns,
                                                  .moving_ns = limits.moving_ns,
                                                  .starting_ns = limits.starting_ns });
}

/* ---- element-wise operators ---- */

static void add_stream(struct parts *parts, const struct stream *stream, double times,
                       double tokens)
{
    struct breakdown_row *row = add(parts, stream->name, times);
    row->activation_bytes = tokens * (stream->values + stream->sum_values) * ACTIVATION_BYTES;
    struct operator_parts limits = {
        .moving_ns = row->activation_bytes / (parts->peak.bytes * parts->hardware->hbm_efficiency),
        .starting_ns = (double)parts->hardware->kernel_launch_ns
    };
    row->ns = limits.starting_ns + limits.moving_ns;
    if (parts->timing.tabled) {
        limits = timing_stream_parts(&parts->hardware->operators, parts->peak, stream, tokens);
        row->ns = as_tabled(parts, stream_ns, stream, tokens);
    }
    row->bound = longest(limits);
}

/* A ring moves 2 (n - 1) / n of the bytes through each GPU's link. */
static void add_allreduce(struct parts *parts, const char *name, double times)
{
    if (parts->ranks == 1 || times <= 0)
        return;
    double ring = 2.0 * (parts->ranks - 1) / parts->ranks;
    struct breakdown_row *row = add(parts, name, times);
    row->link_bytes = ring * parts->tokens * parts->model->hidden * ACTIVATION_BYTES;
    double moving_ns = row->link_bytes * NS_PER_SECOND / parts->hardware->allreduce_bytes_per_s;
    double latency_ns = (double)parts->hardware->allreduce_latency_ns;
    row->ns = latency_ns + moving_ns;
    if (parts->timing.allreduces > 0) {
        latency_ns = parts->timing.allreduce_table.few[0];
        row->ns = timing_table_ns(&parts->timing.allreduce_table, parts->tokens);
        moving_ns = row->ns - latency_ns;
    }
    row->bound = moving_ns > latency_ns ? BOUND_LINK : BOUND_LAUNCH;
}

/* ---- attention ---- */

/* Attention of so many pairs to so many tokens' K and V; and the scan of the layers with a state.
 */
struct mixing {
    double queries, pairs, seen;
    struct attention_heads of;
};

/* Pairs of a token and one that it sees, of all tokens before `end`, in a windowed layer. */
static double window_pairs(const struct model *model, double window, double end)
{
    double whole = floor(end / window);
    double rest = end - whole * window;
    if (model->window == WINDOW_CHUNKED)
        return whole * window * (window + 1) / 2 + rest * (rest + 1) / 2;
    return end < window ? end * (end + 1) / 2 : window * (window + 1) / 2 + (end - window) * window;
}

static struct mixing full_mixing(const struct parts *parts)
{
    const struct breakdown *out = parts->out;
    double fresh = parts->tokens, cached = (double)out->cached_tokens;
    double context = (double)out->context_tokens;
    bool prefill = out->new_tokens > 0;
    return (struct mixing){ .queries = fresh,
                            .pairs = prefill ? fresh * cached + fresh * (fresh + 1) / 2 : context,
                            .seen = prefill ? fresh + cached : context,
                            .of = model_full_attention(parts->model) };
}

static struct mixing window_mixing(const struct parts *parts)
{
    const struct breakdown *out = parts->out;
    double fresh = parts->tokens;
    struct attention_heads of = parts->model->index_layers > 0
                                    ? model_full_attention(parts->model)
                                    : model_window_attention(parts->model);
    if (out->new_tokens == 0) {
        double seen =
            fresh * (double)timing_window_context(&parts->timing, out->context_tokens / out->batch);
        return (struct mixing){ fresh, seen, seen, of };
    }
    uint64_t cached = out->cached_tokens;
    double before = cached > 0 ? (double)timing_window_context(&parts->timing, cached) : 0;
    double window = parts->timing.window_tokens;
    double pairs = window_pairs(parts->model, window, (double)cached + fresh) -
                   window_pairs(parts->model, window, (double)cached);
    return (struct mixing){ fresh, pairs, fresh + before, of };
}

static void count_prefill_attention(const struct parts *parts, struct mixing mixing, double share,
                                    struct breakdown_row *row)
{
    const struct model *model = parts->model;
    double heads = (double)mixing.of.heads / parts->ranks;
    double kv_heads = heads_of_rank(mixing.of.kv_heads, parts->ranks);
    bool latent = model->attention == ATTENTION_LATENT;
    double key = mixing.of.key_dim + (latent ? model->rope_dim : 0), value = mixing.of.value_dim;
    row->flop += share * 2 * heads * (key + value) * mixing.pairs;
    row->activation_bytes += share * mixing.queries * heads * (key + value) * ACTIVATION_BYTES;
    row->kv_bytes += share * mixing.seen *
                     (latent ? heads * (key + value) * ACTIVATION_BYTES
                             : kv_heads * (key + value) * model->kv_bytes_per_value);
}

static void count_decode_attention(const struct parts *parts, struct mixing mixing, double share,
                                   struct breakdown_row *row)
{
    const struct model *model = parts->model;
    double heads = (double)mixing.of.heads / parts->ranks;
    bool latent = model->attention == ATTENTION_LATENT;
    double latent_key = (double)model->latent_dim + model->rope_dim;
    double both = (double)mixing.of.key_dim + mixing.of.value_dim;
    double per_pair = latent ? latent_key + model->latent_dim : both;
    double per_query = latent ? both + model->rope_dim : both;
    double kept = latent ? latent_key : heads_of_rank(mixing.of.kv_heads, parts->ranks) * both;
    row->flop += share * 2 * heads * per_pair * mixing.pairs;
    row->activation_bytes += share * mixing.queries * heads * per_query * ACTIVATION_BYTES;
    row->kv_bytes += share * kept * model->kv_bytes_per_value * mixing.seen;
}

/* Keys of one byte, scored by every rank. */
static void count_indexer(const struct parts *parts, struct mixing mixing, double share,
                          struct breakdown_row *row)
{
    const struct model *model = parts->model;
    double queries = (double)model->index_heads * model->index_dim;
    row->flop += share * 2 * queries * mixing.pairs;
    row->activation_bytes += share * mixing.queries * queries;
    row->kv_bytes += share * model->index_dim * mixing.seen;
}

/* As timing.c has the scan: five operations a value of state and token, delta seven. */
static void count_state(const struct parts *parts, double share, struct breakdown_row *row)
{
    const struct model *model = parts->model;
    if (model->state_layers == 0)
        return;
    double inner = (double)model->state_heads * model->state_head_dim / parts->ranks;
    double vectors = 3 * inner + 2 * (double)model->state_groups * model->state_dim / parts->ranks;
    double sequences = parts->out->new_tokens > 0 ? 1 : parts->out->batch;
    row->flop +=
        share * (model->state == STATE_DELTA ? 7 : 5) * inner * model->state_dim * parts->tokens;
    row->activation_bytes += share * vectors * ACTIVATION_BYTES * parts->tokens;
    row->kv_bytes += share * 2 * sequences *
                     (double)model_kv_shape(model, parts->ranks).state_bytes / model->state_layers /
                     parts->ranks;
}

typedef void count_attention(const struct parts *parts, struct mixing mixing, double share,
                             struct breakdown_row *row);

/* The average mixing layer. */
static void count_mixing(const struct parts *parts, struct breakdown_row *row)
{
    const struct model *model = parts->model;
    const struct hardware *hardware = parts->hardware;
    double mixers = model_mixer_layers(model), indexed = model->index_layers;
    double all = model_attention_layers(model), windows = indexed > 0 ? all : model->window_layers;
    count_attention *count =
        parts->out->new_tokens > 0 ? count_prefill_attention : count_decode_attention;
    if (indexed > 0)
        count_indexer(parts, full_mixing(parts), indexed / mixers, row);
    else
        count(parts, full_mixing(parts), (all - windows) / mixers, row);
    if (windows > 0)
        count(parts, window_mixing(parts), windows / mixers, row);
    count_state(parts, model->state_layers / mixers, row);
    row->bound = longest((struct operator_parts){
        .computing_ns = row->flop / (parts->peak.flop * hardware->attention_efficiency),
        .moving_ns = breakdown_bytes(row) / (parts->peak.bytes * hardware->hbm_efficiency),
        .starting_ns = (double)hardware->kernel_launch_ns });
}

/* MLA: K and V of what was cached are made again from the latent vectors. */
static void add_decompression(struct parts *parts)
{
    const struct model *model = parts->model;
    double cached = (double)parts->out->cached_tokens;
    if (model->attention != ATTENTION_LATENT || cached <= 0)
        return;
    bool indexed = model->index_layers > 0; /* then what was chosen is made again */
    const struct timing_attention *rates =
        indexed ? &parts->timing.window_rates : &parts->timing.full_rates;
    if (indexed)
        cached = (double)timing_window_context(&parts->timing, (uint64_t)cached);
    struct attention_heads of = model_full_attention(model);
    double made = ((double)of.key_dim + of.value_dim) * of.heads / parts->ranks;
    struct breakdown_row *row =
        add(parts, "KV decompression, cached", model_attention_layers(model));
    row->flop = 2 * model->latent_dim * made * cached;
    row->activation_bytes = made * ACTIVATION_BYTES * cached;
    row->kv_bytes =
        ((double)model->latent_dim + model->rope_dim) * model->kv_bytes_per_value * cached;
    row->ns = rates->cached_ns * cached;
    row->bound = longest((struct operator_parts){
        .computing_ns = row->flop / (parts->peak.flop * parts->hardware->gemm_efficiency),
        .moving_ns =
            breakdown_bytes(row) / (parts->peak.bytes * parts->hardware->hbm_efficiency) });
}

/* ---- the iteration ---- */

static double sum_ns(const struct breakdown *breakdown, uint32_t first, uint32_t last)
{
    double sum = 0;
    for (uint32_t i = first; i < last; i++)
        sum += breakdown->row[i].times * breakdown->row[i].ns;
    return sum;
}

static void add_layer(struct parts *parts)
{
    const struct model *model = parts->model;
    struct matrix matrix[TIMING_MATRICES_MAX];
    struct stream stream[STREAMS_MAX];
    uint32_t matrices = model_matrices(model, parts->ranks, matrix);
    uint32_t streams =
        model_streams(model, parts->ranks,
                      timing_streams_without(&parts->timing, parts->hardware, model), stream);
    bool experts =
             parts->timing.tabled && timing_experts_fitted(&parts->hardware->operators, model),
         added = false;
    for (uint32_t i = 0; i < matrices; i++) {
        if (!experts || matrix[i].count <= 1)
            add_product(parts, &matrix[i], &parts->timing.matrix[i], matrix[i].layers,
                        parts->tokens);
        else if (!added)
            add_experts(parts, &matrix[i], &matrix[i + 1]);
        added = added || (experts && matrix[i].count > 1);
    }
    for (uint32_t i = 0; i < streams; i++)
        add_stream(parts, &stream[i], stream[i].share * model->layers, parts->tokens);
    add_allreduce(parts, "all-reduce",
                  (double)model_mixer_layers(model) +
                      (model->parallel_attention ? 0 : model_ffn_layers(model)));
    if (parts->ranks > 1 && model->state == STATE_MAMBA && model->state_layers > 0) {
        struct breakdown_row *row = add(parts, "all-reduce of B, C and step", model->state_layers);
        row->ns = parts->timing.allreduces > 0 ? parts->timing.allreduce_table.few[0]
                                               : (double)parts->hardware->allreduce_latency_ns;
        row->bound = BOUND_LAUNCH;
    }
}

static void add_once(struct parts *parts)
{
    const struct model *model = parts->model;
    const double hidden = model->hidden;
    struct stream embedding = {
        .name = "embedding", .kind = STREAM_EMBEDDING, .values = 2 * hidden, .width = hidden
    };
    struct stream norm = {
        .name = "last norm", .kind = STREAM_NORM, .values = 2 * hidden, .width = hidden
    };
    struct matrix head = model_head(model);
    add_stream(parts, &embedding, 1, parts->tokens);
    struct breakdown_row *row = &parts->out->row[parts->out->rows - 1];
    if (parts->timing.tabled) { /* a line from one token to a full table: timing_tables.c */
        const double most = TIMING_BLOCK * TIMING_BLOCKS;
        double one = stream_ns(parts, &embedding, 1), many = stream_ns(parts, &embedding, most);
        row->ns = one + parts->tokens * (many - one) / (most - 1);
    }
    add_stream(parts, &norm, 1, parts->logits);
    row = &parts->out->row[parts->out->rows - 1];
    row->ns = parts->timing.tabled ? stream_ns(parts, &norm, 1)
                                   : (double)parts->hardware->kernel_launch_ns;
    add_product(parts, &head, &parts->timing.head, 1, parts->logits);
    add_allreduce(parts, "all-reduce of the embedding", 1);
    row = add(parts, "CPU", 1);
    row->ns = parts->cpu_ns;
    row->bound = BOUND_OVERHEAD;
}

/* Measured times are of whole layers: nothing is known of their parts. */
static void add_measured(struct parts *parts, double layers_ns, double once_ns)
{
    parts->out->rows = 0;
    struct breakdown_row *row = add(parts, "layer, measured as a whole", parts->model->layers);
    row->ns = layers_ns / parts->model->layers;
    row->bound = BOUND_OVERHEAD;
    parts->out->layer_rows = 1;
    row = add(parts, "once an iteration, measured", 1);
    row->ns = once_ns;
    row->bound = BOUND_OVERHEAD;
}

/* whole_ns: the iteration's, by timing.c; of it once_ns beside the layers, where that is told
 * apart. */
static void take_apart(struct parts *parts, double whole_ns)
{
    struct breakdown *out = parts->out;
    out->iteration_ns = whole_ns;
    bool states = parts->model->state_layers > 0;
    struct breakdown_row *attention =
        add(parts, states ? "attention and states" : "attention", model_mixer_layers(parts->model));
    count_mixing(parts, attention);
    if (out->new_tokens > 0)
        add_decompression(parts);
    add_layer(parts);
    out->layer_rows = out->rows;
    add_once(parts);
    double once_ns = sum_ns(out, out->layer_rows, out->rows);
    attention->ns = (whole_ns - sum_ns(out, 0, out->rows)) / attention->times;
    out->layer_ns = (whole_ns - once_ns) / parts->model->layers;
}

static struct parts parts_of(const struct model *model, const struct hardware *hardware,
                             const struct timing_host *host, uint32_t ranks, struct breakdown *out)
{
    *out = (struct breakdown){ 0 };
    struct parts parts = (struct parts){ .model = model,
                                         .hardware = hardware,
                                         .ranks = ranks,
                                         .timing = timing_new(model, hardware, ranks),
                                         .peak = timing_peak(hardware),
                                         .out = out };
    if (host != NULL)
        timing_set_host(&parts.timing, *host);
    return parts;
}

static double prefill_ns(const struct timing *timing, uint64_t new_tokens, uint64_t cached_tokens)
{
    struct prefill_time time = timing_prefill(timing, new_tokens, cached_tokens);
    return timing->layers * (double)time.layer_ns + (double)time.overhead_ns;
}

static double decode_ns(const struct timing *timing, uint32_t batch, uint64_t context_tokens)
{
    uint64_t window = batch * timing_window_context(timing, context_tokens / batch);
    struct decode_time time = timing_decode(timing, batch, context_tokens, window);
    return decode_time_ns(&time, context_tokens, window);
}

/* The same iteration on a GPU that waits for no CPU. */
static struct timing alone(const struct timing *timing)
{
    struct timing gpu = *timing;
    timing_set_host(&gpu, (struct timing_host){ 0 });
    return gpu;
}

struct breakdown breakdown_prefill(const struct model *model, const struct hardware *hardware,
                                   const struct timing_host *host, uint32_t ranks,
                                   uint64_t new_tokens, uint64_t cached_tokens)
{
    struct breakdown out;
    struct parts parts = parts_of(model, hardware, host, ranks, &out);
    struct timing gpu = alone(&parts.timing);
    struct prefill_time time = timing_prefill(&parts.timing, new_tokens, cached_tokens);
    double layers_ns = (double)model->layers * (double)time.layer_ns;
    double once_ns = (double)time.overhead_ns;
    parts.cpu_ns = layers_ns + once_ns - prefill_ns(&gpu, new_tokens, cached_tokens);
    parts.tokens = (double)new_tokens;
    parts.logits = 1;
    out.new_tokens = new_tokens;
    out.cached_tokens = cached_tokens;
    out.iteration_ns = layers_ns + once_ns;
    out.layer_ns = (double)time.layer_ns;
    if (parts.timing.is_measured)
        add_measured(&parts, layers_ns, once_ns);
    else
        take_apart(&parts, layers_ns + once_ns);
    return out;
}

struct breakdown breakdown_decode(const struct model *model, const struct hardware *hardware,
                                  const struct timing_host *host, uint32_t ranks, uint32_t batch,
                                  uint64_t context_tokens)
{
    struct breakdown out;
    struct parts parts = parts_of(model, hardware, host, ranks, &out);
    struct timing gpu = alone(&parts.timing);
    double whole_ns = decode_ns(&parts.timing, batch, context_tokens);
    parts.cpu_ns = whole_ns - decode_ns(&gpu, batch, context_tokens);
    parts.tokens = parts.logits = batch;
    out.batch = batch;
    out.context_tokens = context_tokens;
    out.iteration_ns = whole_ns;
    out.layer_ns = whole_ns / model->layers;
    if (parts.timing.is_measured)
        add_measured(&parts, whole_ns, 0);
    else
        take_apart(&parts, whole_ns);
    return out;
}

/* ---- loading or computing ---- */

static double least(double a, double b)
{
    return a < b ? a : b;
}

struct breakdown_links breakdown_links(const struct breakdown *prefill, const struct model *model,
                                       const struct hardware *hardware, uint32_t ranks)
{
    double kv_bytes = (double)model_kv_bytes_per_token(model, ranks);
    double h2d = least(ranks * hardware->h2d_bytes_per_s_per_gpu, hardware->h2d_bytes_per_s);
    struct breakdown_links links = {
        .link = { { .tier = "DRAM", .bytes_per_s = h2d },
                  { .tier = "SSD", .bytes_per_s = least(h2d, hardware->ssd_read_bytes_per_s) } },
        .prefill_tokens_per_s = (double)prefill->new_tokens / prefill->iteration_ns * NS_PER_SECOND,
    };
    links.even_bytes_per_s = links.prefill_tokens_per_s * kv_bytes;
    for (int i = 0; i < BREAKDOWN_LINKS; i++) {
        if (kv_bytes <= 0) /* states only: a token takes nothing */
            continue;
        links.link[i].tokens_per_s = links.link[i].bytes_per_s / kv_bytes;
        links.link[i].gain = links.link[i].tokens_per_s / links.prefill_tokens_per_s;
    }
    return links;
}
