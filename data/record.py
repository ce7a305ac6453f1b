"""Records experiment.json.gz: the whole experiment on the engine that DOCKER_HOST names, and on a second one.

    python data/record.py HOST ADDRESS

HOST is the second engine, such as tcp://10.20.0.199:2375; ADDRESS is where it reaches the registry, such as
10.20.0.100:5000. That engine must refuse plain HTTP at first; the script waits until it was told otherwise.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from regviz.experiment import STEPS, Experiment
from regviz.experiment.pulling import daemon_json
from regviz.experiment.ready import attached, ready
from regviz.experiment.recording import FILE, record

_PAUSE = 1


def main(host: str, address: str) -> None:
    article = Experiment(port=int(address.rpartition(":")[2]), listen="0.0.0.0")  # noqa: S104  # another host pulls
    try:
        steps = []
        for step in STEPS:
            if step == "pull":
                steps.append(article.pull(host, address))
                if steps[-1].facts["refused"] != "plain HTTP":
                    sys.exit(f"{host} should refuse plain HTTP at first, and did not")
                print(f"now give {host} the line {daemon_json(address)}, and reload it")
                while address not in ready(host).insecure:
                    time.sleep(_PAUSE)
                steps.append(article.pull(host, address))
            else:
                steps.append(article.do(step))
            print(steps[-1].text(100))
        with attached() as client:
            image = article.choices.registry_image
            said = client.containers.run(image, ["--version"], remove=True, network_mode="none").decode()
        of = f"Docker Engine {ready().version} and Distribution {said.split()[-1]}"
        record(steps, Path(__file__).with_name(FILE), of=of)
    finally:
        print(article.clean())


if __name__ == "__main__":
    main(*sys.argv[1:3])
