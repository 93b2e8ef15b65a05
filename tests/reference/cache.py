#!/usr/bin/env python3
"""What Python's huggingface_hub makes of a cache: the other half of a test in tests/library.rs, which calls it with
HF_ENDPOINT and HF_HUB_CACHE set.

    pip install huggingface_hub
    LECTERN_PYTHON=python3 cargo test --workspace --test library -- --ignored --nocapture huggingface_hub

    cache.py find REPO FILE     the file without the network: by its own call, in a snapshot of all, in a scan
    cache.py fetch REPO FILE    the file from the hub

Prints one JSON document.
"""

import hashlib
import json
import pathlib
import sys

import huggingface_hub


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def scanned():
    """The cache as `hf cache scan` sees it."""
    cache = huggingface_hub.scan_cache_dir()
    files = [
        {"file": file.file_name, "bytes": file.size_on_disk, "blob": file.blob_path.name, "refs": sorted(revision.refs)}
        for repo in cache.repos
        for revision in repo.revisions
        for file in revision.files
    ]
    return {"warnings": [str(warning) for warning in cache.warnings], "files": files}


def main():
    what, repo, name = sys.argv[1:]
    alone = what == "find"
    said = {"version": huggingface_hub.__version__}
    try:
        path = huggingface_hub.hf_hub_download(repo, name, local_files_only=alone)
        said["sha256"] = sha256(path)
        folder = pathlib.Path(huggingface_hub.snapshot_download(repo, local_files_only=True))
        said["snapshot"] = sha256(folder / name)
    except huggingface_hub.errors.LocalEntryNotFoundError:
        said["sha256"] = said["snapshot"] = None
    print(json.dumps(said | scanned()))


if __name__ == "__main__":
    main()
