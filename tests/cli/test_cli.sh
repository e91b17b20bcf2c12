#!/usr/bin/env bash
# tests/cli/test_cli.sh REPRISE SAMPLE_TRACE - the program as a user meets it: what it prints, its exit
# codes, that a refused input names its place and leaves the database as it was, and that results are
# the same to the byte however often and on however many threads they are made.
set -u
reprise=$1 sample=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
passed=0 failed=0
small=(--set workload.sessions=60 --set warmup_turns=0)

report() { # OK? WHAT
    if [ "$1" -eq 0 ]; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "FAILED: $2"
        sed 's/^/    /' stderr | head -5
    fi
}
gives() { # WHAT EXIT_CODE TEXT_ON_STDERR COMMAND...
    local what=$1 code=$2 text=$3 got
    shift 3
    "$@" >stdout 2>stderr
    got=$?
    [ "$got" -eq "$code" ] && grep -qF -- "$text" stderr
    report $? "$what: exit $got, expected $code with \"$text\""
}
refuses() { # WHAT EXIT_CODE TEXT COMMAND...: the same, and the database is as it was
    local before
    before=$(sha256sum kept.db)
    gives "$@"
    [ "$before" = "$(sha256sum kept.db)" ]
    report $? "$1: the database changed"
}
prints() { # WHAT TEXT COMMAND...
    local what=$1 text=$2
    shift 2
    "$@" >stdout 2>stderr && grep -qF -- "$text" stdout
    report $? "$what: no \"$text\""
}

prints "help names the commands" "trace" "$reprise" --help
prints "version" "reprise 0." "$reprise" --version
for command in sim replay trace plot models doctor; do
    prints "$command --help" "Usage: reprise $command" "$reprise" "$command" --help
done
"$reprise" --help >stdout 2>stderr
[ "$(sed -nE 's/^(  [a-z]+ +)[^ ].*/\1/p' stdout | awk '{ print length }' | sort -u | wc -l)" -eq 1 ]
report $? "the summaries of --help do not stand in one column"
prints "keys are listed" "tiers.dram.capacity" "$reprise" sim --help-config
prints "models are listed" "llama-2-70b" "$reprise" models
prints "and drives, with their rates and prices" "  samsung-pm9d3a-7.68tb " "$reprise" models
prints "a model is described" "KV" "$reprise" models show llama-65b
prints "the engine is named" "of h100, engine vllm-0.19, batch 1024, KV" "$reprise" sim "${small[@]}" --no-db -H h100
prints "the paper's is not" "of paper-4xa100, batch 24, KV" "$reprise" sim "${small[@]}" --no-db
prints "several are" "engines the paper's and vllm-0.19 and sglang-0.5, batch 24 to 2048" \
    "$reprise" sim "${small[@]}" --no-db -p lru,vllm-lru,sglang-hicache-write_back
printf '{"architectures": ["LlamaForCausalLM"], "num_hidden_layers": 4, "hidden_size": 512,
 "num_attention_heads": 8, "num_key_value_heads": 2, "intermediate_size": 1024, "vocab_size": 1000,
 "max_position_embeddings": 4096}' >tiny.json
prints "a config.json is imported" "kv_heads: 2                     # num_key_value_heads" "$reprise" models import tiny.json
prints "a config.json is a model" "KV per token" "$reprise" models show tiny.json -g 2
"$reprise" models import tiny.json -o mine.yaml && prints "so is what was made of it" "mine" "$reprise" models show ./mine.yaml -g 1
prints "and it runs" "mine" "$reprise" sim "${small[@]}" --no-db --json -m ./mine.yaml -g 1
sed 's/Llama/Mystery/' tiny.json >mystery.json
prints "an unknown family is read by its fields, and says so" "MysteryForCausalLM is not a family known here" "$reprise" models show mystery.json -g 1
sed 's/{/{"num_secret_experts": 8, /' tiny.json >secret.json
gives "an unknown field that names a size" 2 "secret.json: num_secret_experts: expected no field that may change sizes" "$reprise" models import secret.json
gives "an unknown word for --assume" 2 "--assume: expected known-fields" "$reprise" models import secret.json --assume luck
prints "it is read where it is vouched for" "assume known-fields" "$reprise" models import secret.json --assume known-fields
sed 's/ForCausalLM/ForSequenceClassification/' tiny.json >judge.json
gives "a model that writes no text" 2 "judge.json: architectures: expected a model that writes text" "$reprise" models show judge.json -g 1
shows_and_refuses() { "$reprise" models show llama-3.1-70b -H l40s -g 1 2>&1 | tee both; }
prints "a model that does not fit is shown before it is refused" "KV per token" shows_and_refuses
prints "and refused" "gpus: expected more than the" cat both
grep -v intermediate tiny.json >less.json
gives "a field that is missing" 2 "no such field" "$reprise" models import less.json
gives "a model without it" 2 "less.json: num_attention_heads" "$reprise" sim "${small[@]}" --no-db -m less.json
gives "import of nothing" 2 "models" "$reprise" models import
gives "import to nowhere" 3 "cannot create" "$reprise" models import tiny.json -o no/such/folder.yaml
prints "a prefill is taken apart" "query, key, value" "$reprise" models show llama-65b --tokens 512 --cached 64
prints "and memory told" "weights per GPU" "$reprise" models show llama-65b
prints "loading is weighed against computing" "sooner is to" "$reprise" models show llama-65b
tokens=$("$reprise" models show gpt-oss-120b -H h200 -g 1 | awk '/which holds/ { print $3 }')
prints "a hybrid model's tokens are one number in both tables" "tokens that fit beside           $tokens" \
    "$reprise" models show gpt-oss-120b -H h200 -g 1
prints "and as JSON" "\"kv_budget_tokens\": $tokens," "$reprise" models show gpt-oss-120b -H h200 -g 1 --json
prints "and lead back to the same HBM" "HBM $("$reprise" models show gpt-oss-120b -H h200 -g 1 | awk '/HBM for KV/ { print $4, $5 }') for KV," \
    "$reprise" sim -m gpt-oss-120b -H h200 -g 1 --set "engine.hbm_tokens=$tokens" --policy vllm-lru --set max_turns=5 --set warmup_turns=0 --no-db
prints "the same as JSON" '"kv_bytes_per_token": 2621440' "$reprise" models show llama-65b --json
gives "more GPUs than there are" 2 "--gpus" "$reprise" models show llama-65b --gpus 9
gives "a decode step of nobody" 2 "--batch" "$reprise" models show llama-65b --batch 0
gives "a plot of no known kind" 2 "--plot" "$reprise" models show llama-65b --plot roof.jpg
prints "policies are listed" "scheduler-aware" "$reprise" models --policies
prints "the doctor looks" "SQLite" "$reprise" doctor
prints "a trace is described" "1494 of 2697" "$reprise" trace info "$sample"
prints "LRU's hits" '"lru_hits": 1432' "$reprise" trace info "$sample" --lru 500 --json
prints "hits by capacity, in bytes too" "KV: of mistral-7b" "$reprise" trace info "$sample" -m mistral-7b
prints "an experiment's drives are told" "SSD on 2 x wd-sn850x-2tb" "$reprise" sim --no-db "${small[@]}" --set ssd.drive=wd-sn850x-2tb --set ssd.drives=2
prints "tiers that differ between policies, each once" "DRAM 0 B or 16.0 GB, SSD 0 B or as the hardware has" "$reprise" sim \
    -t "$sample" -m mistral-7b -g 1 --set warmup_turns=0 --set tiers.dram.capacity=16GB -p vllm-lru,lru --no-db
gives "drives that do not hold the SSD tier" 2 "tiers.ssd.capacity: expected at most 4.00 TB, which 2 of wd-sn850x-2tb hold" \
    "$reprise" sim --no-db "${small[@]}" --set ssd.drive=wd-sn850x-2tb --set ssd.drives=2 --set tiers.ssd.capacity=5TB
prints "estimates are told" "estimate" "$reprise" trace info "$sample" --exact-blocks 100 --sample-blocks 16
prints "turns and think times are told" "think time" "$reprise" trace info
# What an engine's own log tells, in either encoding: its hits, and its size, beside the policies'.
events=$(dirname "$sample")/kv_events
prints "an engine's own hits" "measured hits        4 of 13 blocks (30.77 %)" "$reprise" trace info "$events.msgpack"
prints "and as JSON" '"stored_again_blocks": 2' "$reprise" trace info "$events.jsonl" --json
prints "beside a policy's" "measured (the engine's own)     4    30.77 %" "$reprise" replay "$events.msgpack" --blocks measured -p lru
prints "at the engine's size" "DRAM 7 blocks" "$reprise" replay "$events.jsonl" --blocks measured -p lru
prints "and as JSON" '"hits_below": 2' "$reprise" replay "$events.jsonl" --blocks 5 -p lru --json
gives "a trace that tells no size" 2 "a log of an engine's KV events" "$reprise" replay "$sample" --blocks measured
gives "a size of several servers" 2 "import.server=N" "$reprise" replay "${events}_dynamo.jsonl" --blocks measured
prints "a size of one of them" "DRAM 2 blocks" "$reprise" replay "${events}_dynamo.jsonl" --blocks measured -p lru -s import.server=2
prints "so are a conversation's own hits" "whose reuse" "$reprise" trace info "$sample"
# Nothing can be said of a trace without a request: each command says why, and gives no table of zeros.
printf '{"messages": [{"role": "user", "content": "%s"}]}\n' one two >asked.jsonl
why='asked.jsonl:2: expected a trace of requests, each with a prompt and a reply (docs/workload.md), found "2 records: without a reply"'
for command in "trace info asked.jsonl" "trace convert asked.jsonl o.jsonl --to mooncake" \
    "trace scale asked.jsonl o.jsonl --rate 2 --to mooncake" "replay asked.jsonl --blocks 9" \
    "sim -t asked.jsonl" "sim -t asked.jsonl -p lru,fifo" "validate -t asked.jsonl -s gpus=1" \
    "size -t asked.jsonl --slo ttft_p99=2s" "sweep -t asked.jsonl --vary tiers.dram.capacity=1GB,2GB"; do
    # shellcheck disable=SC2086
    gives "$command" 2 "$why" "$reprise" $command
    [ ! -e o.jsonl ] && ! grep -q ' 0 ' stdout
    report $? "$command: something was made of nothing"
done
# What a file does not say can be told.
printf '{"timestamp": %s, "input_length": 200, "hash_ids": [1, 2, 3, %s]}\n' 9 4 2 5 >blocks.jsonl
gives "ids of another size, with the size that fits" 2 "--block-tokens 64" "$reprise" trace info blocks.jsonl
gives "rows out of order, with what reads them" 2 "--sort" "$reprise" trace info blocks.jsonl --block-tokens 64
prints "the size and any order, told" "3 of 8 blocks" "$reprise" trace info blocks.jsonl --block-tokens 64 --sort
prints "what was assumed" "assumed              replies of 1 token" "$reprise" trace info blocks.jsonl --block-tokens 64 --sort
prints "as keys of an experiment" "3 of 8" "$reprise" trace info blocks.jsonl -s import.block_tokens=64 -s import.sort=true
gives "a size of block that is none" 2 "--block-tokens: expected a whole number" "$reprise" trace info blocks.jsonl --block-tokens 0
printf 'TIMESTAMP,ContextTokens,GeneratedTokens\n' >heading.csv
gives "a heading alone" 2 '"0 records"' "$reprise" trace info heading.csv
gives "a share that keeps nobody" 2 "a share that keeps a session" "$reprise" trace scale "$sample" o.jsonl \
    --sessions 0.00001
printf 'Dear assistant, what is a trace?\n' >nobody.txt
gives "a file that is no trace, in one line" 2 "session,arrival_s,think_s,prompt_tokens,reply_tokens" \
    "$reprise" trace info nobody.txt
# A replay's hits are those that trace info counts, on one thread as on two, and no more than the bound.
replay=("$reprise" replay "$sample" --blocks 500,unlimited)
prints "a replay" "1432" "${replay[@]}" -p lru
prints "a replay without limit" '"hits": 1494' "${replay[@]}" --json
cp stdout one.json
"${replay[@]}" --json -j 1 2>stderr | cmp -s - one.json
report $? "a replay: results depend on threads"
# Four sizes of LRU and more are one pass: it counts what each size counts alone.
counts() { "$reprise" replay "$sample" --json "$@" 2>stderr | grep -E '"(hits|hit_tokens|saved_ns|hbm|dram|ssd|regret_hits)"'; }
for blocks in 30 100 300 1000 unlimited; do counts --blocks $blocks -p lru; done > alone.txt
counts --blocks 30,100,300,1000,unlimited -p lru | cmp -s - alone.txt && [ -s alone.txt ]
report $? "a replay: sizes in one pass count otherwise than alone"
prints "a replay of two tiers" "SSD 1000 blocks" "$reprise" replay "$sample" --blocks 100 --ssd-blocks 1k
prints "sessions are replayed in blocks" "references of 64 tokens" "$reprise" replay --blocks 10k -p lru \
    --set workload.sessions=60 --set placement.block_tokens=64
gives "a policy's constants that contradict each other" 2 \
    'placement.s3_fifo.promote_uses: expected placement.s3_fifo.max_uses (3) or less, found "4"' \
    "${replay[@]}" -s placement.s3_fifo.promote_uses=4
gives "and in a simulation" 2 \
    'placement.s3_fifo.promote_uses: expected placement.s3_fifo.max_uses (1) or less, found "2"' \
    "$reprise" sim --no-db "${small[@]}" -s placement.s3_fifo.max_uses=1
gives "a share of a tier beyond the tier" 2 'placement.two_q.in_share: expected a number from 0 to 1, found "1.1"' \
    "${replay[@]}" -s placement.two_q.in_share=1.1
# Of a tier of 50 blocks, small queues of 5 and of 25.
replay_s3() { "$reprise" replay "$sample" --blocks 50 -p s3-fifo --json "$@" 2>stderr | grep '"hits"'; }
[ -n "$(replay_s3)" ] && [ "$(replay_s3)" = "$(replay_s3 -s placement.s3_fifo.small_share=0.1)" ] &&
    [ "$(replay_s3)" != "$(replay_s3 -s placement.s3_fifo.small_share=0.5)" ]
report $? "a replay does not follow a policy's constant"
"$reprise" sweep --db shares.db "${small[@]}" --set policy=s3-fifo --set tiers.dram.capacity=8GB \
    --set tiers.ssd.capacity=0 --vary placement.s3_fifo.small_share=0.1,0.5 --csv 2>stderr |
    cut -d, -f3- | sort -u >shares
[ "$(wc -l <shares)" -eq 3 ]
report $? "a sweep does not vary a policy's constant"
gives "a closed loop, which a replay is not" 2 "workload.concurrency: expected 0" "${replay[@]}" -s workload.concurrency=4
mkdir -p tables
printf 'model,operator,ranks,tokens,inputs,outputs,time_us\nx,qkv,1,16,4096,4096,20\n' >tables/a100_x_mlp.csv
gives "another GPU's tables" 2 'tables: --from-profile: expected measurements of the hardware'"'"'s GPU, h100, found "a100"' \
    "$reprise" calibrate --from-profile tables --hardware h100
gives "another GPU's table" 2 'a100_x_mlp.csv: --from-profile' "$reprise" calibrate --from-profile tables/a100_x_mlp.csv --hardware h100
printf 'kernel_source,gemm_dtype,m,n,k,latency\nx,fp8,1,4096,4096,0\n' | gzip >tables/h100_gemm.csv.gz
gives "a product that took no time" 2 'h100_gemm.csv.gz:2: latency: expected a number above 0, found "0"' \
    "$reprise" calibrate --from-profile tables --hardware h100
gives "a size that is none" 2 "--blocks: expected whole numbers" "$reprise" replay "$sample" --blocks many
gives "no size" 2 "--blocks" "$reprise" replay "$sample"
gives "a policy that stores nothing" 2 "--policy" "$reprise" replay "$sample" --blocks 9 -p none
gives "a missing trace to replay" 3 "nowhere.jsonl" "$reprise" replay nowhere.jsonl --blocks 9
# Under the bound, whatever the room; and a policy that keeps all has nothing to regret.
for dram in 100MB 2GB 10GB; do
    bounded=("$reprise" sim -t "$sample" -m mistral-7b -g 1 --no-db --set warmup_turns=20 --set tiers.ssd.capacity=0
        --set engine.write_buffer=100MB --set engine.hbm_utilisation=0.5 --set tiers.dram.capacity=$dram)
    "${bounded[@]}" -p lru,fifo,arc,sieve,s3-fifo,scheduler-aware --json 2>stderr |
        awk -F': ' '/"hit_rate_tokens":/ { n++; if (n == 1) bound = $2 + 0; else if ($2 + 0 > bound) above = 1 }
            END { exit !(n == 7 && !above && bound > 0) }'
    report $? "a bound over every policy, DRAM $dram"
done
prints "a regret" "0.00 points" "$reprise" sim -t "$sample" -m mistral-7b -g 1 --no-db --set warmup_turns=0 -p lru
prints "no order, no room: an unlimited bound" "were there no limit" "$reprise" sim -t "$sample" -m mistral-7b -g 1 \
    --no-db --set warmup_turns=0 --set engine.order=longest-prefix -p lru
prints "sessions have no bound" '"bound": null' "$reprise" sim "${small[@]}" --no-db -p lru --json
prints "the workload is described" "sharegpt-like" "$reprise" trace info

# Traces are written, and read back.
prints "requests of documents are generated" "mooncake, 300 requests" "$reprise" trace gen documents.jsonl.zst --documents -s documents.requests=300
prints "what was generated is read" "requests             300" "$reprise" trace info documents.jsonl.zst
prints "sessions are generated" "session-csv, 50 sessions" "$reprise" trace gen sessions.csv -s workload.sessions=50
prints "without a file, the experiment's trace is described" "session-csv" "$reprise" trace info -s trace=sessions.csv
prints "gen generates whatever trace the experiment has" "session-csv, 7 sessions" "$reprise" trace gen seven.csv \
    -s trace=sessions.csv -s workload.sessions=7
prints "sessions become requests" "open loop" "$reprise" trace info sessions.csv --open-loop
prints "sessions are converted" "agentic, 50 sessions" "$reprise" trace convert sessions.csv sessions.jsonl --to agentic
"$reprise" trace convert sessions.jsonl again.csv --to session-csv >stdout 2>stderr && cmp -s sessions.csv again.csv
report $? "a trace there and back is another"
prints "a trace is scaled" "150 sessions" "$reprise" trace scale sessions.csv scaled.csv --sessions 3 --rate 2
gives "blocks are not dropped unasked" 2 "block keys" "$reprise" trace convert "$sample" dropped.csv --to session-csv
prints "they are if asked" "dropped" "$reprise" trace convert "$sample" dropped.csv --to session-csv --lossy
gives "convert without a format" 2 "--to" "$reprise" trace convert "$sample" x.csv
gives "convert of one file" 2 "convert" "$reprise" trace convert "$sample" --to mooncake
prints "a thousand times" "50000 sessions" "$reprise" trace scale sessions.csv thousand.csv --sessions 1000
gives "scale of nothing" 2 "--rate" "$reprise" trace scale "$sample" x.jsonl
gives "scale to no sessions" 2 "--sessions" "$reprise" trace scale "$sample" x.jsonl --sessions 0
gives "an unknown key of documents" 2 "documents.requests" "$reprise" trace gen x.jsonl --documents -s documents.request=3
gives "a folder that is not there" 3 "nowhere" "$reprise" trace gen nowhere/x.csv
printf 'session,arrival_s,think_s,prompt_tokens,reply_tokens\na,0,,5,6\na,,x,5,6\n' >torn.csv
prints "shapes are listed with their sources" "source: SGLang bench_serving" "$reprise" trace gen --shapes
prints "a shape is generated" "mooncake, 40 requests" "$reprise" trace gen prefixes.jsonl --shape shared-prefix \
    -s workload.shared_prefix.groups=4 -s workload.shared_prefix.prompts_per_group=10
prints "what was generated has its shared prefixes" "prefix hits          4608 of 5440 blocks" "$reprise" trace info prefixes.jsonl
prints "a shape is described without a file" "4608 of 5440 blocks" "$reprise" trace info --shape shared-prefix \
    -s workload.shared_prefix.groups=4 -s workload.shared_prefix.prompts_per_group=10
prints "sessions of a shape wait for replies if asked" "session-csv, 24 sessions" "$reprise" trace gen chat.csv --shape chat -s workload.loop=closed
"$reprise" trace gen chat.jsonl --shape chat -s workload.chat.system_tokens=0 >stdout 2>stderr &&
    "$reprise" trace gen chat.csv --shape chat -s workload.loop=closed -s workload.chat.system_tokens=0 >stdout 2>stderr &&
    "$reprise" trace convert chat.csv turns.jsonl --open-loop --to mooncake >stdout 2>stderr && cmp -s chat.jsonl turns.jsonl
report $? "a shape's open loop is not its closed one's"
prints "a shape runs without a file" "chat, open loop: requests at drawn times, 24 sessions" "$reprise" sim -m mistral-7b -g 1 --no-db \
    --set warmup_turns=0 --set workload.shape=chat -p lru
gives "a shape that is none" 2 "workload.shape: expected one of sharegpt, shared-prefix" "$reprise" trace gen x.jsonl --shape gsp
gives "a shape of a file" 2 "--shape: expected no file" "$reprise" trace info "$sample" --shape chat
gives "a shape and documents" 2 "--shape: expected not --documents" "$reprise" trace gen x.jsonl --shape chat --documents
gives "another shape's key" 2 "workload.sessions: expected a key of the shape chat" "$reprise" trace gen x.jsonl --shape chat -s workload.sessions=5
gives "requests that wait for each other" 2 "workload.loop" "$reprise" trace gen x.jsonl --shape shared-prefix -s workload.loop=closed
gives "conversion of a torn trace" 2 "torn.csv:3: think_s" "$reprise" trace convert torn.csv x.csv --to session-csv
# In the foreground: else timeout sends a second signal, to its group, and the second one kills at once.
timeout --foreground -s INT 0.3 "$reprise" trace gen x.csv -s workload.sessions=1e8 >stdout 2>stderr
[ ! -e x.csv ] && [ -z "$(ls x.csv.* 2>/dev/null)" ]
report $? "half a trace was left"

if "$reprise" doctor | grep -q "^gnuplot *yes"; then
    prints "a trace is drawn" "hits are exact" "$reprise" trace info "$sample" -m mistral-7b --plot trace.svg
    grep -q "</svg>" trace.svg && grep -q "no cache hits more" trace.svg
    report $? "the picture of a trace is not whole"
    prints "so it is without a model, from a sample" "estimate" "$reprise" trace info "$sample" --exact-blocks 100 --sample-blocks 64 --plot trace.png
    [ -s trace.png ]
    report $? "no picture"
fi
gives "a picture of another kind" 2 "--plot" "$reprise" trace info "$sample" --plot trace.pdf
gives "a picture of a trace without blocks" 2 "--plot" "$reprise" trace info sessions.csv --plot trace.svg
gives "a picture in no folder" 3 "nowhere" "$reprise" trace info "$sample" --plot nowhere/trace.svg

# A database with a comparison in it, which no refusal below may change.
prints "a sentence a policy first" "scheduler-aware: the first token comes after" \
    bash -c "\"$reprise\" sim ${small[*]} --no-db -p scheduler-aware,none | head -1"
first="${sample%/traces/*}/docs/examples/first.yaml"
prints "an experiment that its server sustains" "Mean TTFT: scheduler-aware is" "$reprise" sim -c "$first" -p scheduler-aware,none --no-db
! grep -qi overloaded stdout
report $? "docs/examples/first.yaml is overloaded"
for turns in 12000 21000; do # none of them in an idle tail: as many are measured
    "$reprise" sim -c "$first" --set "max_turns=$turns" --no-db --json >long.json &&
        [ "$(awk -F': ' '/"turns"/ { print $2 + 0 }' long.json)" = $((turns - 3000)) ] &&
        awk -F': ' '/"ttft_mean_ns"/ { print $2 + 0 }' long.json
done >means
awk 'NR == 1 { short = $1 } END { exit !(NR == 2 && $1 < 1.2 * short && $1 > short / 1.2) }' means
report $? "docs/examples/first.yaml: twice the measured turns have another mean TTFT"
prints "a comparison" "against recomputing" "$reprise" sim "${small[@]}" -p scheduler-aware,none --db kept.db
# "GPU busy ... 1.756 h 1.768 h" is "GPU time -0.7 %": to half a unit of each number as it is printed.
awk '/^GPU busy/ { run = $3; none = $5 }
     match($0, /GPU time [-+][0-9.]+ %/) { told = substr($0, RSTART + 9) + 0; seen = 1 }
     END { off = told - 100 * (run / none - 1); exit !(seen && run < none && off < 0.6 && off > -0.6) }' stdout
report $? "a comparison: GPU time is not told as its change"
sim=("$reprise" sim "${small[@]}" --db kept.db)

printf 'model: llama-13b\ntiers:\n  dram:\n    capacitty: 1GB\n' >unknown.yaml
refuses "an unknown key" 2 "unknown.yaml:4: tiers.dram.capacitty" "${sim[@]}" -c unknown.yaml
grep -q "tiers.dram.capacity" stderr
report $? "an unknown key: no hint at the nearest one"
printf 'gpus: many\n' >type.yaml
refuses "a wrong type" 2 "type.yaml:1: gpus" "${sim[@]}" -c type.yaml
printf 'tiers:\n  dram: {capacity: -5GB}\n' >negative.yaml
refuses "a negative size" 2 "negative.yaml:2: tiers.dram.capacity" "${sim[@]}" -c negative.yaml
printf 'tiers.ssd.capacity: 99999999EB\n' >absurd.yaml
refuses "an absurd size" 2 "absurd.yaml:1: tiers.ssd.capacity" "${sim[@]}" -c absurd.yaml
printf 'model: [\n' >broken.yaml
refuses "broken YAML" 2 "broken.yaml:" "${sim[@]}" -c broken.yaml
refuses "an unknown key in --set" 2 "--set engine.btch" "${sim[@]}" --set engine.btch=3
refuses "a missing configuration" 3 "nowhere.yaml" "${sim[@]}" -c nowhere.yaml
refuses "a missing trace" 3 "nowhere.jsonl" "${sim[@]}" -t nowhere.jsonl
refuses "an unknown model" 2 "llama-13b" "${sim[@]}" -m gpt-9
refuses "an unknown policy" 2 "policy" "${sim[@]}" -p belady
refuses "a policy twice" 2 "--policy" "${sim[@]}" -p lru,lru
refuses "a model that does not fit in HBM" 2 "HBM" "${sim[@]}" -m llama-65b -g 1
refuses "a window whose KV does not fit" 2 "engine.context_window" "${sim[@]}" -s engine.context_window=900000
refuses "sessions as unit of a trace of blocks" 2 "placement.unit" "${sim[@]}" -t "$sample" -s placement.unit=session -s engine.context_window=16384 -m mistral-7b
refuses "an unknown option" 2 "--fast" "${sim[@]}" --fast
refuses "an argument too many" 2 "argument" "${sim[@]}" again

head -2 "$sample" >torn.jsonl && printf '{"timestamp": 99999999, "input_len' >>torn.jsonl
refuses "a torn trace line" 2 "torn.jsonl:3:" "${sim[@]}" -t torn.jsonl -m mistral-7b
head -2 "$sample" >malformed.jsonl && echo 'not json' >>malformed.jsonl
refuses "a malformed trace line" 2 "malformed.jsonl:3:" "${sim[@]}" -t malformed.jsonl -m mistral-7b
(sed -n 40p "$sample" && head -1 "$sample") >backwards.jsonl
refuses "time that goes back" 2 "backwards.jsonl:2: timestamp" "${sim[@]}" -t backwards.jsonl -m mistral-7b
: >empty.jsonl
refuses "an empty trace" 2 "empty.jsonl" "${sim[@]}" -t empty.jsonl
refuses "trace info of a malformed line" 2 "malformed.jsonl:3:" "$reprise" trace info malformed.jsonl
refuses "trace of no verb" 2 "info" "$reprise" trace
refuses "trace of another verb" 2 "info" "$reprise" trace describe "$sample"
refuses "a sample of more than all" 2 "--sample-rate" "$reprise" trace info "$sample" --sample-rate 1.5
refuses "a sample of too few blocks" 2 "--sample-blocks" "$reprise" trace info "$sample" --sample-blocks 3
refuses "an unknown model of trace info" 2 "no-such" "$reprise" trace info "$sample" -m no-such
refuses "trace info of LRU of nothing" 2 "--lru" "$reprise" trace info "$sample" --lru 0

echo "no database" >text.db
cp text.db text.copy
gives "a file that is no database" 3 "text.db" "$reprise" sim "${small[@]}" --db text.db
cmp -s text.db text.copy
report $? "a file that is no database was changed"
gives "a database in no folder" 3 "nowhere/x.db" "$reprise" sim "${small[@]}" --db nowhere/x.db
gives "and how to do without" 3 "unable to open database file (--no-db keeps no results" "$reprise" sim "${small[@]}" --db nowhere/x.db
gives "plotting nothing" 3 "none.db" "$reprise" plot --db none.db
if [ "$(id -u)" -ne 0 ]; then # root may write what is read-only
    cp kept.db readonly.db && chmod 444 readonly.db
    gives "a read-only database" 3 "readonly.db" "$reprise" sim "${small[@]}" --db readonly.db
fi
# A full disk: no file may grow beyond 8 KiB, and a comparison's rows need more.
full() { (trap '' XFSZ && ulimit -f 8 && "$@"); }
cp kept.db full.db
gives "a full disk" 3 "full.db" full "$reprise" sim "${small[@]}" -p lru,fifo --db full.db
rows() { sqlite3 "$1" 'select count(*) from run'; }
if command -v sqlite3 >/dev/null; then
    [ "$(rows full.db)" = "$(rows kept.db)" ]
    report $? "a full disk left part of a comparison behind"
fi
gives "a run whose warm-up takes all turns" 2 "warmup_turns: expected fewer than the" "$reprise" sim --no-db --set workload.sessions=60
gives "a full disk behind standard output" 3 "standard output" bash -c "\"$reprise\" sim --no-db --set workload.sessions=60 --set warmup_turns=0 --json >/dev/full"
# What would do nothing beside the rest is refused: an exit code 0 would say that it was done.
gives "a list of models as JSON" 2 "--json: expected show NAME" "$reprise" models --json
gives "an import as JSON" 2 "--json: expected show NAME" "$reprise" models import tiny.json --json
gives "a roofline of no model" 2 "--plot: expected show NAME" "$reprise" models --plot roofline.svg
gives "a model that is shown into a file" 2 "--output: expected import" "$reprise" models show llama-65b -o shown.yaml
gives "what to take for granted of no import" 2 "--assume: expected import" "$reprise" models show llama-65b --assume dense-gqa
gives "policies of a model" 2 "--policies: expected no show" "$reprise" models show llama-65b --policies
gives "a sweep's list as JSON" 2 "--dry-run: expected no --csv or --json" "$reprise" sweep --vary gpus=1,2 -n --json
gives "a sweep as CSV and JSON" 2 "--json: expected no --csv" "$reprise" sweep --vary gpus=1,2 -n --json --csv
gives "accuracy as JSON and markdown" 2 "--markdown: expected no --json" "$reprise" accuracy . --json --markdown
gives "shapes into a file" 2 "--shapes: expected no file" "$reprise" trace gen --shapes shapes.csv
gives "two lists of policies" 0 "note: --policy is given more than once" "$reprise" sim "${small[@]}" --no-db -p lru -p none
"$reprise" sim "${small[@]}" --no-db -p none --set engine.batch=8 --set engine.batch=9 >stdout 2>stderr
[ ! -s stderr ]
report $? "what may be given again is told of"
gives "a run of a sweep" 2 "--run: expected no --sweep" "$reprise" plot --db kept.db --run 1 --sweep 1
gives "a run of a timeline" 2 "--timeline: expected no --run" "$reprise" plot --db kept.db --run 1 --timeline none.json
gives "a report of runs and of a sweep" 2 "--sweep: expected no RUN" "$reprise" report --db kept.db --sweep 1 1
for id in 0 -1 1x 9223372036854775809 18446744073709551617; do # the last two are 1 in 63 bits
    for option in --run --sweep; do
        gives "plot of no row: $option=$id" 2 "$option: expected an id" "$reprise" plot --db kept.db "$option=$id"
    done
    gives "a report of no sweep: $id" 2 "--sweep: expected an id" "$reprise" report --db kept.db "--sweep=$id"
    gives "a report of no run: $id" 2 "RUN: expected an id" "$reprise" report --db kept.db -- "$id"
done
gives "think times of requests" 2 "--think: expected a closed loop" "$reprise" trace scale "$sample" thought.jsonl --think 2
gives "a reply's time in no open loop" 2 "--token-time: expected --open-loop" "$reprise" trace convert "$sample" timed.jsonl --to mooncake --token-time 5ms
gives "a list of figures, one of them" 2 "--list: expected no figure" "$reprise" paper --list 19
gives "rows in no database" 2 "--keep-turns: expected a database" "$reprise" sim "${small[@]}" --no-db --keep-turns
gives "a lesson's answer as a picture" 2 "--out: expected no --answer" "$reprise" lesson 1 --answer -o answer.png
gives "an answer to no lesson" 2 "a lesson's number" "$reprise" lesson --answer
gives "no lesson changed" 2 "a lesson's number" "$reprise" lesson --set gpus=1
gives "an unknown command" 2 "reprise --help" "$reprise" simulate
gives "no command" 2 "Usage" "$reprise"

# The same bytes, again and on any number of threads.
compare=(sim "${small[@]}" -p scheduler-aware,lru,fifo,none --json --no-db)
"$reprise" "${compare[@]}" --threads 1 >one.json && "$reprise" "${compare[@]}" --threads 1 >again.json &&
    "$reprise" "${compare[@]}" --threads 2 >two.json && cmp -s one.json again.json && cmp -s one.json two.json
report $? "JSON differs between runs or threads"

# A fleet with a pool may have to begin anew, which a pipe cannot: a burst, of which that is so (test_fleet.c).
"$reprise" trace gen burst.csv -s workload.sessions=400 -s workload.sessions_per_s=inf -s workload.lengths=constant \
    -s workload.think_time.distribution=constant >stdout
burst=(sim -p lru --no-db --json -s cluster.replicas=45 -s tiers.remote.capacity=90GB -s tiers.remote.write=through -s placement.ttl=20ms
    -s tiers.dram.capacity=100GB -s tiers.ssd.capacity=20GB -s warmup_turns=0 -s engine.context_window=4096)
"$reprise" "${burst[@]}" -j 1 -t burst.csv >burst1.json && "$reprise" "${burst[@]}" -j 2 -t burst.csv >burst2.json &&
    cmp -s burst1.json burst2.json && # a pipe: cat's, not burst.csv itself
    cat burst.csv | "$reprise" "${burst[@]}" -j 2 -t /dev/stdin >burst2.json &&
    cmp -s <(grep -v '"trace":' burst1.json) <(grep -v '"trace":' burst2.json)
report $? "a fleet's trace through a pipe differs from the file's"

# Policies are paired with the first one named: by turn, or over seeds.
grep -qF '"paired_by": "turn"' one.json && grep -qF '"base": "scheduler-aware"' one.json &&
    [ "$(grep -cF '"metric": "ttft_p99_ns"' one.json)" -eq 3 ]
report $? "differences are in the JSON, of each policy to the first"
seeds=(sim "${small[@]}" -p lru,fifo,lru+on-demand --no-db --replications 3)
"$reprise" "${seeds[@]}" --json --threads 1 >one.json && "$reprise" "${seeds[@]}" --json --threads 2 >two.json && cmp -s one.json two.json
report $? "seeds: JSON differs between threads"
grep -qF '"paired_by": "seed"' one.json && [ "$(grep -cF '"seed": 3' one.json)" -eq 3 ]
report $? "seeds: every policy's run under the third is in the JSON"
"$reprise" "${seeds[@]}" >one && "$reprise" "${seeds[@]}" --threads 1 >two && cmp -s one two
report $? "seeds: the table differs between threads"
grep -qF "seeds     1 to 3: what is shown is the mean of 3 runs" one && grep -q "^seeds  *3  *3$" one
report $? "seeds: the table says which"
mean=$(awk -F': ' '/"turns":/ { n++; sum += $2 } END { printf "%.0f", sum / n }' one.json) && grep -qF "measured: $mean turns" one
report $? "seeds: the table does not show means"
# 6 metrics of a policy that is the first one by another name.
[ "$(grep -c "no difference seen: the same$" one)" -eq 6 ]
report $? "seeds: a policy against itself differs"
"$reprise" sim "${small[@]}" -p lru,fifo --no-db -s workload.seed=3 --json >third.json
one=$(grep -A999 '"seed": 3' one.json | grep -m1 '"ttft_mean_ns"') && [ -n "$one" ] && grep -qF "$one" third.json
report $? "seeds: a run under the third is not that of workload.seed=3"
prints "one run each: a policy against itself" "no difference seen: the same" "$reprise" sim "${small[@]}" -p lru,lru+on-demand --no-db
grep -qF -- "--replications 5 gives their differences" stdout
report $? "what takes seeds is not said"
"$reprise" sim "${small[@]}" -p lru --no-db --json >stdout && grep -qF '"differences": null' stdout
report $? "one policy has no differences"
trace=(sim --no-db -t "$sample" -m mistral-7b -g 1 -s warmup_turns=0 -p lru,none)
gives "a trace has no seeds" 2 "--replications: expected 100 to 1000000 for a trace file: it has no seed to change" "$reprise" "${trace[@]}" --replications 5
prints "its time is resampled" "turn by turn (500" "$reprise" "${trace[@]}" --replications 500
grep -qF "(a) the slowest 1 % of the turns came in too few of the 10 blocks; a longer run would tell" stdout
report $? "a P99 of few turns has an interval"
gives "too many seeds" 2 "--replications: expected 1 to 10000 seeds, found \"10001\"" "$reprise" sim "${small[@]}" --no-db --replications 10001
# Eight seeds fail at once: the first one's failure is told, whichever ends first.
for _ in 1 2 3 4; do
    "$reprise" sim --no-db -r 8 -j 8 --set workload.sessions=300 --set warmup_turns=5000 2>&1
done | sort -u >failures
"$reprise" sim --no-db -r 8 -j 1 --set workload.sessions=300 --set warmup_turns=5000 2>stderr
cmp -s failures stderr
report $? "of several failures the first in order is told, on many threads too"
"$reprise" sim --no-db --json -t "$sample" -m mistral-7b -g 1 -s warmup_turns=0 >one.json &&
    zstd -q "$sample" -o sample.jsonl.zst 2>/dev/null
if [ -f sample.jsonl.zst ]; then
    "$reprise" sim --no-db --json -t sample.jsonl.zst -m mistral-7b -g 1 -s warmup_turns=0 >two.json
    cmp -s <(grep -v '"trace"' one.json) <(grep -v '"trace"' two.json)
    report $? "a compressed trace gives other results"
fi

# Ctrl-C: the exit code says so, and nothing half is kept.
cp kept.db interrupted.db
"$reprise" sim --set workload.sessions=30000000 --db interrupted.db >stdout 2>stderr &
pid=$!
sleep 1
kill -INT "$pid"
wait "$pid"
[ $? -eq 130 ]
report $? "Ctrl-C: not exit 130"

if command -v gnuplot >/dev/null; then
    prints "a roofline is drawn" "HBM" "$reprise" models show llama-65b --plot roof.png
    [ "$(head -c 4 roof.png | tail -c 3)" = PNG ]
    report $? "roof.png is no PNG"
    gives "a roofline in no folder" 3 "roof.svg" "$reprise" models show llama-65b --plot none/roof.svg
    prints "plots" "overview.png" "$reprise" plot --db kept.db --out pictures
    [ "$(head -c 4 pictures/overview.png | tail -c 3)" = PNG ] && grep -q '</svg>' pictures/overview.svg
    report $? "the pictures are no PNG and SVG"
    "$reprise" sim "${small[@]}" --set workload.sessions_per_s=5 --set engine.batch=2 -p lru,none --db kept.db >/dev/null 2>&1
    prints "a report" "page.html" "$reprise" report --db kept.db --out page.html
    "$reprise" sim "${small[@]}" --set workload.sessions_per_s=5 --set engine.batch=2 -p lru,none --no-db >stdout 2>stderr
    grep -q 'data-name="lru">-<' <(grep '>owned, a month<' page.html)
    report $? "a report gives dollars that no price tells"
    grep -q '>TTFT mean<' page.html && ! grep -q '>ttft_mean_ns<' page.html
    report $? "a report calls metrics by their keys"
    [ "$(sed '/<table/q' page.html | grep -cE '<li><b>(lru|none)</b>: the first token comes after ')" -eq 2 ]
    report $? "a report does not begin with a sentence a run"
    # As `sim` has them, before its table: the same sentences, and the same differences.
    grep -q "<li><b>Mean TTFT</b>:$(sed -n 's/^Mean TTFT://p' stdout)" page.html
    report $? "a report does not begin with the verdict of sim"
    grep -q '<li><b>lru, none</b>: .*engine.batch = 2' page.html
    report $? "a report does not say what holds a run up"
    grep -q 'turn by turn (1000 resamples of their time in blocks of' page.html &&
        grep '<td>TTFT mean</td><td data-name="none">' page.html | head -1 | grep -qF "$(sed -n 's/^TTFT mean  *\(.*\) ([a-z])$/\1/p' stdout | tail -1)"
    report $? "a report does not tell how policies differ"
    grep -q '<b>sessions per second</b><br><code>workload.sessions_per_s: 5</code></td><td>5/s<' page.html
    report $? "a report's configuration is not in names and units"
    grep -q '<b>policy</b><br><code>policy</code></td><td data-name="lru">lru</td><td data-name="none">none<' page.html
    report $? "a report does not say what differs between its runs"
    [ "$(sed '/<summary>The rest/q' page.html | grep -c 'tiers.dram.reserve')" -eq 0 ] && grep -q 'tiers.dram.reserve' page.html
    report $? "a report's defaults are not folded"
    # A database that has no differences says so instead of leaving readers with bare numbers.
    sqlite3 kept.db "DELETE FROM difference"
    "$reprise" report --db kept.db --out none.html >/dev/null && grep -q 'more than chance is not known' none.html
    report $? "a report without intervals does not say so"

    # Several seeds are one policy, whose mean is shown with its interval; more runs than pictures can hold are no matter.
    "$reprise" sim "${small[@]}" -p lru,none --replications 7 --db seeds.db >/dev/null 2>&1
    prints "pictures of 14 runs, 7 a policy" "overview.png" "$reprise" plot --db seeds.db --out seeds
    grep -q 'Means of 7 seeds' seeds/overview.svg && grep -q 'seed 1<' seeds/hits_over_time.svg
    report $? "pictures do not say of which seeds they are"
    "$reprise" report --db seeds.db --out seeds.html >/dev/null
    grep -q 'ran under 7 seeds of the workload, 1 to 7' seeds.html && grep '>TTFT mean<' seeds.html | tail -1 | grep -q '<small>&plusmn; .* ms</small>'
    report $? "a report of several seeds does not show their mean and interval"
    mean=$(sqlite3 seeds.db "SELECT printf('%.3g', avg(value) / 1e6) FROM run_metric WHERE policy = 'lru' AND metric = 'ttft_mean_ns'")
    grep '>TTFT mean<' seeds.html | tail -1 | grep -q "data-name=\"lru\">$mean ms" &&
        grep -q "<li><b>lru</b>: the first token comes after $mean ms" seeds.html && grep -q ">$mean ms ±" seeds/overview.svg
    report $? "the mean of a report or picture is not that of its seeds ($mean)"
    ! grep -q '>SSD read<' seeds.html
    report $? "a picture has bars of what nothing crossed"
    grep -q 'dashes: last arrival' seeds/hits_over_time.svg
    report $? "hits over time do not mark the last arrival"
    # Upright letters need 20 pixels on either side of where they are put.
    for named in 'seeds/ttft_cdf.svg:share of turns' 'seeds/hits_over_time.svg:share of tokens'; do
        left=$(grep -B1 "${named#*:}" "${named%%:*}" | sed -n 's/.*translate(\([0-9.]*\),.*/\1/p' | head -1)
        awk -v left="${left:-0}" 'BEGIN { exit !(left >= 20) }'
        report $? "${named%%:*}: the y axis's name is cut at the left edge (at $left)"
    done
    "$reprise" sim "${small[@]}" --set workload.think_time.mean=1s --set workload.sessions=200 -p lru --db cut.db >/dev/null 2>&1
    "$reprise" plot --db cut.db --out cut >/dev/null
    grep -q 'to the last arrival' cut/hits_over_time.svg
    report $? "hits over time do not end with the last arrival"
    # Names are data, wherever they stand.
    cp "$(dirname "$sample")/../../models/llm/llama-13b.yaml" 'x<img src=y>.yaml'
    "$reprise" sim "${small[@]}" -m './x<img src=y>.yaml' -p lru,none --db hostile.db >/dev/null 2>&1 &&
        "$reprise" report --db hostile.db --out hostile.html >/dev/null && grep -qF 'x&lt;img src=y&gt;' hostile.html
    report $? "a report of a model of an odd name"
    ! grep -qF '<img' hostile.html
    report $? "a name is taken for HTML"
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
