"""The wheel and the source distribution, built and imported where nothing else is installed."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from vtryon_webhooks import __version__

FOLDER = Path(__file__).parents[1]
WHAT = """
import sys, vtryon_webhooks, vtryon_webhooks.testing
body = vtryon_webhooks.testing.payload_of(vtryon_webhooks.testing.event_body("poses", "queued"))
webhooks = vtryon_webhooks.Webhooks("whsec_example")
event = webhooks.construct_event(body, vtryon_webhooks.testing.sign(body, "whsec_example"))
print(event.status, sorted({"flask", "django", "starlette"}.intersection(sys.modules)))
"""


def test_package(tmp_path: Path) -> None:
    python = [sys.executable, "-I"]
    build = [*python, "-m", "build", "--no-isolation", "--outdir", str(tmp_path), str(FOLDER)]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    [wheel] = tmp_path.glob("*.whl")
    [source] = tmp_path.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    notes = f"vtryon_webhooks-{__version__}.dist-info"
    licences = {f"{notes}/licenses/LICENSE-{name}" for name in ("MIT", "APACHE")}
    assert {"vtryon_webhooks/py.typed", "vtryon_webhooks/__init__.py", *licences} <= names
    assert not [name for name in names if "test_" in name or "__pycache__" in name]
    with tarfile.open(source) as tar:
        assert f"vtryon_webhooks-{__version__}/LICENSE-MIT" in tar.getnames()
    # Isolated from the environment: only the wheel and the standard library can be imported.
    alone = f"import sys; sys.path.insert(0, {str(wheel)!r}){WHAT}"
    done = subprocess.run([*python, "-S", "-c", alone], check=True, capture_output=True, text=True)
    assert done.stdout == "queued []\n"
