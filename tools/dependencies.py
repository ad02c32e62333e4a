"""What the app is made of besides itself: licences, known holes, and a list of it all (SBOM).

    python -m tools.dependencies licences    refuse a licence that is not on the list
    python -m tools.dependencies audit       look for known vulnerabilities; needs a network
    python -m tools.dependencies sbom        write sbom.cdx.json (CycloneDX)

All three look at what requirements.txt names and what that needs in turn, as it is installed.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from license_expression import get_spdx_licensing
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fer.paths import PROJECT

SBOM: Final = PROJECT / "sbom.cdx.json"

#: Licences under which code may be used, changed and passed on without opening one's own.
ALLOWED: Final = frozenset(
    {
        *("MIT", "MIT-0", "MIT-CMU", "HPND", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "ISC", "Zlib"),
        *("Apache-2.0", "PSF-2.0", "Python-2.0", "CNRI-Python", "Unlicense", "CC0-1.0", "BSL-1.0"),
        # Weak copyleft: of the file or library alone, which is used as it is.
        *("MPL-2.0",),
    }
)

#: What packages call their licence in older ways, as SPDX does.
_OLD_NAMES: Final = {
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache-2.0": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "bsd-3-clause": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "mit": "MIT",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "isc license (iscl)": "ISC",
}

#: Packages that say nothing in their metadata; from the LICENSE file of their source.
_LOOKED_UP: Final = {"namex": "Apache-2.0"}

#: Packages whose wheels carry more than their own licence says, looked at by hand.
NOTED: Final = {
    "av": "its wheel carries FFmpeg with x264 and x265 (GPL-2.0-or-later): passing the wheel on, "
    "as in a container image, has to follow that licence",
    "pillow-heif": "its wheel carries libheif, libde265 (LGPL-3.0) and x265 (GPL-2.0-or-later): "
    "as above",
    "opencv-python-headless": "its wheel carries FFmpeg (LGPL-2.1)",
}


@dataclass(frozen=True)
class Package:
    """An installed package.

    Attributes:
        name: as on PyPI, in its canonical form.
        version: installed.
        licence: SPDX expression, or what the package says where that is none.
    """

    name: str
    version: str
    licence: str


def packages(requirements: Path = PROJECT / "requirements.txt") -> tuple[Package, ...]:
    """What a requirements file names, and all that it needs in turn, by name."""
    lines = (line.partition("#")[0].strip() for line in requirements.read_text().splitlines())
    open_ends = [Requirement(line) for line in lines if line]
    found: dict[str, Package] = {}
    while open_ends:
        requirement = open_ends.pop()
        name = canonicalize_name(requirement.name)
        extras = requirement.extras or {""}
        if name in found or not any(
            requirement.marker is None or requirement.marker.evaluate({"extra": extra})
            for extra in extras
        ):
            continue
        about = metadata.distribution(name)
        licence = _LOOKED_UP.get(name) or licence_of(about.metadata)
        found[name] = Package(name, about.version, licence)
        open_ends += [
            needed
            for needed in map(Requirement, about.requires or ())
            if needed.marker is None
            or any(needed.marker.evaluate({"extra": extra}) for extra in extras)
        ]
    return tuple(found[name] for name in sorted(found))


def licence_of(about: Any) -> str:
    """The licence that a package's metadata tell, as SPDX where it can be told."""
    if expression := about.get("License-Expression"):
        return str(expression)
    words = [
        line.rpartition(" :: ")[2]
        for line in about.get_all("Classifier", [])
        if line.startswith("License ::") and not line.endswith("OSI Approved")
    ]
    words = words or [(about.get("License") or "unknown").strip().splitlines()[0]]
    return " AND ".join(_OLD_NAMES.get(word.lower(), word) for word in words)


def refused(found: tuple[Package, ...]) -> list[Package]:
    """Packages none of whose licences to choose from is allowed."""
    return [package for package in found if not _is_allowed(package.licence)]


def _is_allowed(expression: str) -> bool:
    licensing = get_spdx_licensing()
    try:
        parsed = licensing.parse(expression, validate=True)
    except Exception:  # noqa: BLE001 whatever the library says of words that are no licence
        return False
    # Allowed licences are true, all others false: AND and OR mean what they say.
    values = {
        symbol: licensing.TRUE if str(symbol).partition(" WITH ")[0] in ALLOWED else licensing.FALSE
        for symbol in parsed.symbols
    }
    return bool(parsed.subs(values).simplify() == licensing.TRUE)


def make_sbom(found: tuple[Package, ...]) -> str:
    """The packages as a CycloneDX document, the same at every call."""
    bom = Bom()
    for package in found:
        url = PackageURL("pypi", name=package.name, version=package.version)
        bom.components.add(
            Component(
                type=ComponentType.LIBRARY,
                name=package.name,
                version=package.version,
                purl=url,
                bom_ref=str(url),
                description=f"licence: {package.licence}",
            )
        )
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    for changing in ("serialNumber", "metadata", "dependencies"):
        document.pop(changing, None)
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def audit(found: tuple[Package, ...]) -> int:
    """Ask for known vulnerabilities; say clearly what could not be asked for."""
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "pins.txt"
        pins.write_text("".join(f"{package.name}=={package.version}\n" for package in found))
        options = ["--requirement", str(pins), "--no-deps", "--disable-pip", "--format", "json"]
        command = [sys.executable, "-m", "pip_audit", *options, "--timeout", "10"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    try:
        checked = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        why = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        _say(f"AUDIT SKIPPED, nothing was checked: {why[:300]}")
        return 0
    return judge(checked)


def judge(checked: list[dict[str, Any]]) -> int:
    """Say what pip-audit found; 1 if there is a vulnerability."""
    holes = [(one, hole) for one in checked for hole in one.get("vulns", ())]
    skipped = [one for one in checked if "skip_reason" in one]
    for one, hole in holes:
        _say(f"{one['name']} {one['version']}: {hole['id']}, mended in {hole['fix_versions']}")
    if skipped:
        reason = re.sub(r": \S+ \(.*", "", skipped[0]["skip_reason"])
        _say(f"AUDIT SKIPPED for {len(skipped)} of {len(checked)} packages: {reason}")
    _say(f"{len(checked) - len(skipped)} packages checked, {len(holes)} known vulnerabilities.")
    return 1 if holes else 0


def _say(text: str) -> None:
    print(text)  # noqa: T201 a tool


def main() -> int:
    """Do what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("licences", "audit", "sbom"))
    what = parser.parse_args().what
    found = packages()
    if what == "audit":
        return audit(found)
    if what == "sbom":
        SBOM.write_text(make_sbom(found), encoding="utf-8")
        _say(f"{len(found)} packages: {SBOM.name}")
        return 0
    wrong = refused(found)
    for name, note in NOTED.items():
        _say(f"{name}: {note}")
    for package in wrong:
        _say(f"{package.name} {package.version}: {package.licence!r} is not on the list")
    _say(f"{len(found)} packages, {len(wrong)} with a licence that is not on the list.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
