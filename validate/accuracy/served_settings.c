/* validate/accuracy/served_settings.c - InferenceMAX's scripts, one a model and GPU, as they stand
 * in SemiAnalysisAI/InferenceX: benchmarks/70b_fp8_h100_slurm.sh, 70b_fp8_b200_docker.sh,
 * 70b_fp8_b200_trt_slurm.sh (2025), benchmarks/single_node/gptoss_fp4_{h100,b200}.sh,
 * gptoss_fp4_h200_slurm.sh, gptoss_fp4_b200_trt_docker.sh, dsr1_fp4_b200_docker.sh,
 * dsr1_fp8_b200_docker.sh, single_node/fixed_seq_len/dsr1_fp4_b200_trt.sh. All of them switch
 * prefix caching off, and send ten times as many requests as are in flight. NVIDIA's own runs
 * (aiconfigurator's) do not say their flags. */
#include "validate/accuracy/served_settings.h"

#include "validate/accuracy/served.h"

#include <string.h>

/* The first that fits. */
static const struct served_settings settings[] = {
    { "vllm", "gpt-oss", "h100_sxm", "", 0, 8192, false, true, NULL },
    { "vllm", "gpt-oss", "h200_sxm", "", 0, 8192, false, true, NULL },
    { "vllm", "gpt-oss", "", "", 512, 8192, true, true, NULL },
    /* async-scheduling: true, of 2025-10 (0.11): what it hid was the scheduler; the model runner still
     * waited for each iteration's tokens. */
    { "vllm", "llama-3", "b200_sxm", "", 512, 8192, false, true, NULL },
    { "vllm", "llama-3", "", "", 0, 8192, false, true, NULL },
    { "sglang", "deepseek", "", "nvfp4", 256, 16384, true, true,
      "SGLang looks for requests every 10 or 30 iterations (--scheduler-recv-interval)" },
    { "sglang", "deepseek", "", "fp8", 128, 32768, true, true,
      "SGLang looks for requests every 10 or 30 iterations (--scheduler-recv-interval)" },
    { "trtllm", "llama-3", "", "", 0, 16384, true, true,
      "batch_wait_timeout_iters 20 holds prompts back up to 20 iterations (1,024 + 1,024 tokens)" },
    { "trtllm", "gpt-oss", "", "", 512, 20000, true, true, NULL },
    { "trtllm", "deepseek", "", "", 0, 8448, true, true, NULL },
};

static bool fits(const char *wanted, const char *text)
{
    return strncmp(text, wanted, strlen(wanted)) == 0;
}

const struct served_settings *served_settings(const struct served_row *row)
{
    if (!row->uniform)
        return NULL;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        if (fits(settings[i].backend, row->backend) && fits(settings[i].model, row->run.model) &&
            fits(settings[i].gpu, row->run.gpu) && fits(settings[i].format, row->run.format))
            return &settings[i];
    return NULL;
}
