"""``gate policy bundle``, ``verify``, ``push`` and ``pull``: bundles as files, and in registries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ....evidence.base.errors import PolicyError, UsageError
from ...terminal.console import write_error, write_line
from ...terminal.outputs import parse_outputs, write, write_new
from ..options import Outputs, argument, option
from .group import Bundle, app

if TYPE_CHECKING:
    from ...policy.packages.signing import Public

New = Annotated[Path, option("--output -o", "A new file.", "FILE.tar.gz")]
Key = Annotated[
    Path | None,
    option("--verification-key", "PEM file with the public key that must have signed the bundle.", "FILE"),
]


@app.command("bundle")
def bundle_(
    output: New,
    bundle: Bundle = None,
    signing_key: Annotated[
        Path | None,
        option(
            "--signing-key",
            "PEM file with the private key (RSA, ECDSA or Ed25519) to sign the bundle with.",
            "FILE",
        ),
    ] = None,
) -> None:
    """Write a bundle into one file that OPA loads, without its tests."""
    from ...decide.plan import make_plan
    from ...policy.archive import is_archive
    from ...policy.packages.making import make
    from ...policy.packages.signing import private_key
    from ...workbench.bundles import find_bundle

    if not is_archive(output):
        raise UsageError("is no name of an archive", path=str(output), remedy="name a new file *.tar.gz")
    key = None if signing_key is None else private_key(signing_key)
    made = make(find_bundle(bundle, Path()), key)
    make_plan(made.bundle)
    write_new(output, [made.data])
    write_line(f"{output}: {made.bundle.name} {made.bundle.version}, sha256:{made.bundle.digest}")
    if made.algorithm is None:
        write_error("not signed; give --signing-key to sign it")
    else:
        options = f"--signing-alg {made.algorithm} --verification-key FILE"
        write_error(f"signed; `opa run` checks it with {options}")


@app.command("verify")
def verify(
    file: Annotated[Path, argument("A bundle's archive.", "FILE.tar.gz")],
    verification_key: Key = None,
    digest: Annotated[
        str | None, option("--digest", "The digest that the bundle must have.", "sha256:DIGEST")
    ] = None,
    output: Outputs = None,
) -> None:
    """Check the signature of a bundle, each file's hash, its digest and that it loads; exit 1 if not."""
    from ...policy.packages.making import check_digest, examine

    outputs = parse_outputs(output, ("table", "json"))
    if verification_key is None and digest is None:
        remedy = "give --verification-key, --digest or both"
        raise UsageError("there is nothing to compare the bundle with", remedy=remedy)
    if not file.exists():
        raise UsageError("there is no such file", path=str(file), remedy="name a bundle's archive (.tar.gz)")
    wanted = None if digest is None else check_digest(digest)
    key = _key(verification_key)
    try:
        found = examine(file, key, wanted)
    except PolicyError as error:
        write_error(error.diagnostics())
        raise typer.Exit(1) from error
    for item in outputs:
        write(item, found.page(item.format))


@app.command("push")
def push(
    file: Annotated[Path, argument("A bundle's archive.", "FILE.tar.gz")],
    reference: Annotated[str, argument("HOST/REPOSITORY:TAG", "REF")],
    replace: Annotated[
        bool, option("--replace", "Move the tag, if it is there with another content.")
    ] = False,
) -> None:
    """Put a bundle into an OCI registry, from which OPA can load it; print its pinned reference."""
    from ...policy.packages import oci
    from ...policy.packages.making import examine

    target = oci.parse_reference(reference)
    found = examine(file, None, None)
    write_line(oci.push(target, found.data, found.annotations(), replace=replace))


@app.command("pull")
def pull(
    reference: Annotated[str, argument("HOST/REPOSITORY@sha256:DIGEST, or with :TAG", "REF")],
    output: New,
    verification_key: Key = None,
) -> None:
    """Get a bundle from an OCI registry into a new file, after checking it; print its pinned reference."""
    from ...policy.archive import is_archive
    from ...policy.packages import oci
    from ...policy.packages.making import check

    if not is_archive(output):
        raise UsageError("is no name of an archive", path=str(output), remedy="name a new file *.tar.gz")
    source, key = oci.parse_reference(reference), _key(verification_key)
    pinned, data = oci.pull(source)
    found = check(data, reference, key, None)
    write_new(output, [data])
    write_line(pinned)
    write_error(f"{output}: {found.bundle.name} {found.bundle.version}, sha256:{found.bundle.digest}")
    if source.digest is None:
        write_error("the tag can be moved: pin the digest above, or policy.digest or policy.signer")


def _key(path: Path | None) -> Public | None:
    from ...policy.packages.signing import read_public_key

    return None if path is None else read_public_key(path)
