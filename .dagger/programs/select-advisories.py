"""Takes from OSV records those that name a package of an image, and says how old all of them are.

    select-advisories.py <folder of records or ""> <mirror or ""> <bill of materials>

Records are OSV JSON files, or <Ecosystem>/all.zip as osv.dev publishes them; a
mirror serves the latter. The answer on stdout is JSON: the newest change among
all records, how many there are for each ecosystem, and the records that count.
"""
import io
import json
import pathlib
import re
import sys
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterator

ECOSYSTEMS = {"deb": "Debian", "pypi": "PyPI", "npm": "npm"}
UNUSABLE = 32


def fail(sentence: str) -> None:
    print(sentence, file=sys.stderr)
    raise SystemExit(UNUSABLE)


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def packages(bom: pathlib.Path) -> dict[str, set[str]]:
    """Names by ecosystem; a Debian package also under its source's name."""
    found: dict[str, set[str]] = {}
    for component in json.loads(bom.read_text()).get("components", []):
        purl = urllib.parse.urlsplit(component.get("purl", ""))
        kind, _, path = purl.path.partition("/")
        if kind not in ECOSYSTEMS:
            continue
        name = urllib.parse.unquote(path.rpartition("@")[0] or path)
        if kind == "deb":
            name = name.rpartition("/")[2]
        names = found.setdefault(ECOSYSTEMS[kind], set())
        names.add(plain(name))
        for upstream in urllib.parse.parse_qs(purl.query).get("upstream", []):
            names.add(plain(upstream.partition("@")[0]))
    return found


def in_archive(data: bytes, where: str) -> Iterator[dict]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                if name.endswith(".json"):
                    yield json.loads(archive.read(name))
    except (zipfile.BadZipFile, ValueError) as error:
        fail(f"reading advisories: {where} is no archive of OSV records ({error}); fetch it again")


def in_folder(folder: pathlib.Path) -> Iterator[dict]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.suffix == ".zip":
            yield from in_archive(path.read_bytes(), str(name))
        elif path.suffix == ".json":
            try:
                yield json.loads(path.read_text())
            except ValueError as error:
                fail(f"reading advisories: {name} is not JSON ({error}); correct it")


def on_mirror(address: str, ecosystems: set[str]) -> Iterator[dict]:
    for ecosystem in sorted(ecosystems):
        url = f"{address.rstrip('/')}/{urllib.parse.quote(ecosystem)}/all.zip"
        try:
            with urllib.request.urlopen(url, timeout=120) as answer:  # noqa: S310 - the user names it
                data = answer.read()
        except (OSError, ValueError) as error:
            fail(f"fetching advisories: {url} does not answer ({error}); name a mirror that can be reached, or a folder with --advisories")
        yield from in_archive(data, url)


def main() -> None:
    folder, mirror, bom = sys.argv[1:4]
    wanted = packages(pathlib.Path(bom))
    records = in_folder(pathlib.Path(folder)) if folder else on_mirror(mirror, set(wanted))
    counts: dict[str, int] = {}
    chosen: dict[str, dict] = {}
    newest = ""
    for record in records:
        if not isinstance(record, dict) or "id" not in record or "affected" not in record:
            continue
        newest = max(newest, str(record.get("modified", "")))
        about = {}
        for affected in record["affected"]:
            package = affected.get("package", {})
            about.setdefault(str(package.get("ecosystem", "")).split(":")[0], set()).add(plain(str(package.get("name", ""))))
        for ecosystem in about:
            counts[ecosystem] = counts.get(ecosystem, 0) + 1
        if any(about[ecosystem] & names for ecosystem, names in wanted.items() if ecosystem in about):
            chosen[record["id"]] = {key: record[key] for key in ("id", "aliases", "withdrawn", "affected", "database_specific") if key in record}
    ordered = [chosen[identity] for identity in sorted(chosen)]
    print(json.dumps({"newest": newest, "ecosystems": dict(sorted(counts.items())), "records": ordered}))


main()
