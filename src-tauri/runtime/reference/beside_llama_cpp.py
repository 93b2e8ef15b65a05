"""Runs one GGUF file with Lectern and with llama.cpp, in turns, and prints the ratios of the medians.

    pip install xllamacpp
    python beside_llama_cpp.py target/release/lectern model.gguf --threads 2

llama.cpp comes with the Python package `xllamacpp` (its own build, chosen for this processor at run time). It runs in
both of its modes: "repack" turns weights into a form of its own while it loads, "mapped" computes on the file as it is.
Every run is a process of its own, so that nothing is left from the one before; the order changes from round to round.
A ratio above 1 means that Lectern does more tokens a second, or needs less time.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time

MODES = {"repack": False, "mapped": True}
FIGURES = {
    "prompt_tokens_per_s": True,
    "tokens_per_s": True,
    "tokens_per_s_at_depth": True,
    "load_ms": False,
    "first_token_ms": False,
    "swap_ms": False,
}


def llama_cpp(arguments):
    """One run of llama.cpp; prints its figures as JSON."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = arguments.file
    params.n_ctx = max(arguments.prompt, arguments.depth or 0) + arguments.generate + 64
    params.n_parallel = 1
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = arguments.threads
    params.cpuparams_batch.n_threads = arguments.threads
    params.no_extra_bufts = MODES[arguments.mode]
    params.verbosity = -1
    params.cache_prompt = False
    params.cache_ram_mib = 0
    began = time.monotonic()
    server = xllamacpp.Server(params)
    figures = {"load_ms": (time.monotonic() - began) * 1000}
    numbers = random.Random(1)

    def ask(prompt, tokens):
        ids = [1] + [numbers.randrange(300, arguments.vocabulary) for _ in range(prompt - 1)]
        request = {"prompt": ids, "n_predict": tokens, "temperature": 0, "ignore_eos": True, "cache_prompt": False}
        answer = server.handle_completions(request)
        return (json.loads(answer) if isinstance(answer, str) else answer)["timings"]

    # From nothing to the first token; the start of the process and the end of the one before are given to it.
    ask(1, 1)
    figures["swap_ms"] = (time.monotonic() - began) * 1000
    read = ask(arguments.prompt, 1)
    figures["prompt_tokens_per_s"] = read["prompt_per_second"]
    figures["first_token_ms"] = read["prompt_ms"]
    figures["tokens_per_s"] = ask(1, arguments.generate)["predicted_per_second"]
    if arguments.depth:
        figures["tokens_per_s_at_depth"] = ask(arguments.depth, arguments.generate)["predicted_per_second"]
    print(json.dumps(figures), flush=True)
    # The server's threads have nothing to say any more.
    os._exit(0)


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        sys.exit(f"{' '.join(command)} gave no figures:\n{done.stdout}{done.stderr}")
    return json.loads(lines[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lectern")
    parser.add_argument("file")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--generate", type=int, default=128)
    parser.add_argument("--depth", type=int)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--vocabulary", type=int, default=30000, help="token ids of llama.cpp's prompts are below it")
    parser.add_argument("--mode", choices=MODES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.mode:
        return llama_cpp(arguments)

    sizes = ["--prompt", str(arguments.prompt), "--generate", str(arguments.generate)]
    sizes += ["--depth", str(arguments.depth)] if arguments.depth else []
    threads = ["--threads", str(arguments.threads)]
    engines = {
        "lectern": [arguments.lectern, *threads, "--json", "model", "bench", arguments.file, *sizes, "--repeat", "1",
                    "--texts", "1", "--swaps", "1"],
    }
    for mode in MODES:
        engines[mode] = [sys.executable, __file__, arguments.lectern, arguments.file, *threads, *sizes,
                         "--vocabulary", str(arguments.vocabulary), "--mode", mode]
    runs = {name: [] for name in engines}
    for number in range(arguments.repeat):
        order = list(engines)
        for name in order[number % 3:] + order[:number % 3]:
            figures = run(engines[name])
            if name == "lectern":
                figures["swap_ms"] = figures["swap"]["page_cache"]["total_ms"]["p50"]
                figures = {key: (value["median"] if isinstance(value, dict) and "median" in value else value)
                           for key, value in figures.items()}
            runs[name].append(figures)

    print(f"{arguments.file}, {arguments.threads} threads, {arguments.repeat} runs each: median (least to most)")
    for figure, more_is_better in FIGURES.items():
        values = {name: sorted(run[figure] for run in runs[name] if run.get(figure) is not None) for name in runs}
        if not all(values.values()):
            continue
        words = []
        for name, of_engine in values.items():
            middle = statistics.median(of_engine)
            words.append(f"{name} {middle:.1f} ({of_engine[0]:.1f} to {of_engine[-1]:.1f})")
        ours = statistics.median(values["lectern"])
        for mode in MODES:
            theirs = statistics.median(values[mode])
            ratio = ours / theirs if more_is_better else theirs / ours
            words.append(f"{ratio:.2f}x of {mode}")
        print(f"{figure:24}" + "; ".join(words))


if __name__ == "__main__":
    main()
