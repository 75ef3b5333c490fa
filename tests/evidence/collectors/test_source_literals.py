"""Secrets, account ids and live ports are found wherever they are written, and never quoted."""

from __future__ import annotations

import ast
import base64
import json
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.limits import Limits
from gate.evidence.base.settings import validate
from gate.evidence.collecting.interface import ProblemKind
from gate.evidence.collecting.registry import load
from gate.evidence.collecting.runner import observe
from gate.evidence.collectors.source.literals import find_literals, may_hold
from gate.evidence.collectors.source.program.folding import folded
from gate.evidence.reading.workspace import Workspace

FILE = "algo_trade/settings.py"
EXAMPLES = Path(__file__).parents[3] / "examples"

# put together here, so that no scanner takes this file for a leak
AWS = "AK" + "IA" + "QWERTYUIOPASDFGH"
GITHUB = "gh" + "p_" + "a1B2" * 9
FINE_GRAINED = "github" + "_pat_" + "A1b2C3d4E5f6G7h8I9j0K1_" + "x9Y8" * 12
SLACK = "xo" + "xb-123456789012-abcdefGHIJKL"
STRIPE = "sk" + "_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
JWT = ".".join(
    base64.urlsafe_b64encode(part).decode().rstrip("=")
    for part in (b'{"alg":"HS256"}', b'{"sub":"someone"}', b"0123456789abcdef")
)
RANDOM = "Zx81kQ0pVr7Lm3TnB5yWc9JhGd2Fs6Aa"
PEM = (
    "-----BEGIN "
    + "RSA PRIVATE KEY-----\n"
    + "\n".join(["MIIEowIBAAKCAQEA" + "q1" * 24] * 3)
    + "\n-----END RSA PRIVATE KEY-----\n"
)


def found(
    watch: Any, text: str | bytes, path: str = FILE, **more: Any
) -> list[tuple[str, str | None, int, int]]:
    facts = watch("source", {path: text}, **more).facts
    assert facts["secrets_total"] == len(facts["secrets"])
    return [(s["kind"], s["name"], s["line"], s["length"]) for s in facts["secrets"]]


@pytest.mark.parametrize("name", ["ready", "algo-trade"])
def test_the_examples_hold_no_secret(name: str) -> None:
    kind = load("source")
    facts = observe(Workspace(EXAMPLES / name), kind(validate(kind.Options, {}))).facts
    for what in ("secrets", "live_ports", "unscanned"):
        assert (facts[what], facts[f"{what}_total"]) == ([], 0)
    assert (facts["live_account_ids_total"], facts["unlisted"]) == (0, [])
    assert facts["scanned"] > 10


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("password = 'hunter2'", "password"),
        ("DB_PASSWORD: str = 'hunter2'", "DB_PASSWORD"),
        ("self.apiKey = 'hunter2'", "apiKey"),
        ("settings['api-key'] = 'hunter2'", "api-key"),
        ("login(user, password='hunter2')", "password"),
        ("def login(user, password='hunter2'): ...", "password"),
        ("def login(user, *, token='hunter2'): ...", "token"),
        ("d = {'client_secret': 'hunter2'}", "client_secret"),
        ("user, password = 'me', 'hunter2'", "password"),
        ("if (pwd := 'hunter2'): pass", "pwd"),
        ("if given == 1 and password == 'hunter2': pass", "password"),
        ("password = os.getenv('DB', 'x') or 'hunter2'", "password"),
        ("x = os.environ.get('IB_PASSWORD', 'hunter2')", "IB_PASSWORD"),
        ("password = 'hunter2' if live else None", "password"),
        ("SECRET = b'hunter2'", "SECRET"),
        ("SECRET = 'hunter2'.encode()", "SECRET"),
        ("SECRET = 'hun' + 'ter2'", "SECRET"),
        ("SECRET = f'hunter2'", "SECRET"),
        ("SECRET = SecretStr('hunter2')", "SECRET"),
        ("setattr(config, 'auth_token', 'hunter2')", "auth_token"),
        ("def main(*, api_token='letmein'): ...", "api_token"),
        ("bot_token = 'opensesame'", "bot_token"),
        ("class Config:\n    AWS_SECRET_ACCESS_KEY = 'hunter2'", "AWS_SECRET_ACCESS_KEY"),
        ("private_key = 'пароль7'", "private_key"),
        ("PASSPHRASE = 'correct horse battery'", "PASSPHRASE"),
        ("TOKEN_2 = 'hunter2'", "TOKEN_2"),
        ("class S:\n    password: str = field(default='hunter2')", "password"),
        ("class S:\n    password: str = field(default_factory=lambda: 'hunter2')", "password"),
        ("class S:\n    password: SecretStr = Field(SecretStr('hunter2'))", "password"),
        ("parser.add_argument('--api-key', default='hunter2')", "api-key"),
        ("@click.option('--token', default='hunter2')\ndef main(token): ...", "token"),
        ("def main(token: str = typer.Option('hunter2')): ...", "token"),
        ("os.putenv('IB_PASSWORD', 'hunter2')", "IB_PASSWORD"),
        ("PASSWORD = base64.b64decode('aHVudGVyMg').decode()", "PASSWORD"),
        ("PASSWORD = '2retnuh'[::-1]", "PASSWORD"),
        ("get(url, auth=('me', 'hunter2'))", "password"),
        ("client.login('me', 'hunter2')", "password"),
    ],
)
def test_literals_with_the_name_of_a_secret_are_secrets(watch: Any, text: str, name: str) -> None:
    (secret,) = found(watch, text + "\n")
    assert secret[:2] == ("named", name)


@pytest.mark.parametrize(
    "text",
    [
        "password = ''",
        "password = 'changeme'",
        "password = 'CHANGE_ME'",
        "password = '<your password>'",
        "password = '${IB_PASSWORD}'",
        "password = '{{ password }}'",
        "password = '%(password)s'",
        "password = 'xxxxxxxx'",
        "password = '********'",
        "password = 'IB_PASSWORD'",
        "PASSWORD = 'password'",
        "password = os.environ['IB_PASSWORD']",
        "password = os.getenv('IB_PASSWORD')",
        "password = getpass('your password: ')",
        "password = f'{prefix}{rest}'",
        "password = None",
        "password: str",
        "TOKEN_URL = 'https://example.com/token'",
        "password_file = '/run/secrets/ib'",
        "secret_name = 'prod-ib'",
        "token = 'https://example.com/token'",
        "max_tokens = 5",
        "max_tokens = 'maxOutputTokens'",
        "def value(valuation_token: str = 'USDT'): ...",
        "blockwise(f, token='store-map')",
        "UPGRADE_TOKEN = 'upgrades'",
        "fees = {'feeToken': 'USDC', 'collateralToken': '360'}",
        "# for example 'https://user:token@git.internal/strategy.git'",
        "tokenizer = 'bert'",
        "compass = 'north'",
        "# password = 'hunter2'",
        "'''password = 'hunter2' '''",
        "print('password: hunter2')",
        "if '-----BEGIN PRIVATE KEY-----' in text: pass",
        "key = 'AKIAIOSFODNN7EXAMPLE'",
        "SECRET_KEY = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'",
        "token = 'xoxb-your-bot-token'",
        "token = 'xoxb-xxxxxxxxxxxx-xxxxxxxxxxxx'",
        "token = 'xoxb-000000000000-000000000000-abcdefghijklmnopqrstuvwx'",
        "api_key = 'sk-your-api-key-here-000000'",
        "token = 'ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'",
        "token = 'ghp_0123456789abcdefghijklmnopqrstuvwxyz'",
        "token = 'github_pat_XXXXXXXXXXXXXXXXXXXXXXXXXXXX'",
        "secret_key = 'sk_test_your_key'",
        "secret_key = 'sk_live_xxxxxxxxxxxxxxxxxxxxxxxx'",
        "secret_key = 'sk_live_your_secret_key_goes_here'",
        "token = '123456789:YOUR_BOT_TOKEN'",
        "aws_access_key_id = 'AKIAXXXXXXXXXXXXXXXX'",
        "aws_access_key_id = 'AKIA0000000000000000'",
        "password = 'your_ib_password'",
        "password = 'yourpassword'",
        "token = 'replace-me'",
        "api_key = 'insert_key_here'",
        "api_key = 'my-example-key'",
        "api_key = 'dummy'",
        "token = '1234567890'",
        "password = 'change_me_please'",
        "url = 'postgresql://postgres:postgres@localhost/x'",
        "url = 'http://user:pass@proxy:8080'",
        "url = f'postgresql://{user}:{password}@localhost/x'",
        "headers = {'Authorization': 'Bearer YOUR_ACCESS_TOKEN_GOES_HERE'}",
        "bot = '123456789:AAxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'",
        "def next_token(): return 'EOF'",
        "def main(token: str = typer.Option(None, '--token', envvar='TOKEN')): ...",
        "password = '<token>'",
    ],
)
def test_what_only_holds_a_place_or_is_about_secrets_is_none(watch: Any, text: str) -> None:
    assert found(watch, text + "\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "password = 'insertion9Xk'",  # a word inside another one
        "password = 'yours-truly-77'",
        "password = 'exampled'",
        "token = 'ghp_' + 'a1B2yourC3D4E5F6G7H8I9J0K1L2M3N4O5P6'",
        "api_key = 'sk-Zx81kQ0pVr7Lm3TnB5yWc9Jh'",
        "token = '123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw'",
    ],
)
def test_what_only_looks_like_a_placeholder_is_a_secret(watch: Any, text: str) -> None:
    assert len(found(watch, text + "\n")) == 1


SHAPED = {
    "aws_access_key": AWS,
    "github_token": GITHUB,
    "jwt": JWT,
    "private_key": PEM.strip(),
    "slack_token": SLACK,
    "stripe_key": STRIPE,
}


@pytest.mark.parametrize("write", ["x = {}\n", "# {}\n", "password = {}\n", "call(1, {})\n"])
@pytest.mark.parametrize(("kind", "secret"), SHAPED.items(), ids=SHAPED)
def test_well_known_tokens_are_found_once_wherever_they_stand(
    watch: Any, kind: str, secret: str, write: str
) -> None:
    if kind == "private_key" and write.startswith("#"):
        write = "'''{}'''\n"
        text = write.format(secret)
    else:
        text = write.format(repr(secret))
    (place,) = found(watch, text)
    assert (place[0], place[2]) == (kind, 1)
    assert place[1] == ("password" if "password" in write else None)


def test_a_fine_grained_token_and_a_random_string_are_found(watch: Any) -> None:
    assert found(watch, f"x = {FINE_GRAINED!r}\n")[0][0] == "github_token"
    assert found(watch, f"token_ib_gateway = {RANDOM!r}\n") == [("high_entropy", "token_ib_gateway", 1, 32)]
    assert found(watch, f"api_key = {'0123456789abcdef' * 2!r}\n")[0][0] == "high_entropy"
    assert found(watch, f"checksum = {RANDOM!r}\n") == []
    assert found(watch, f"token_url = {RANDOM!r}\n") == []


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.yaml", "user: me\npassword: hunter2  # note\n", 2),
        ("a.yml", "broker: {token: 'hunter2', port: 7497}\n", 1),
        ("a.toml", '[ib]\npassword = "hunter2"\n', 2),
        ("a.json", '{"a": 1,\n "api_key" : "hunter2"}', 2),
        ("a.ini", "[ib]\npassword=hunter2\n", 2),
        ("a.env", "export IB_PASSWORD=hunter2\n", 1),
        (".env", "IB_PASSWORD=hunter2\n", 1),
        (".env.prod", "IB_PASSWORD=hunter2\n", 1),
        ("a.properties", "ib.password = hunter2\n", 1),
        ("pin.yaml", "password: 123456\n", 1),
        ("block.yaml", "password: >-\n  hunter2\n", 1),
        ("env.yaml", 'env:\n  - name: IB_PASSWORD\n    value: "hunter2"\n', 3),
        ("env.json", '{"env": [{"name": "IB_PASSWORD", "value": "hunter2"}]}', 1),
        ("several.toml", '[ib]\npassword = """\nhunter2"""\n', 2),
        ("run.sh", "export IB_PASSWORD=hunter2\n", 1),
    ],
)
def test_configuration_files_are_read_line_by_line(watch: Any, name: str, text: str, line: int) -> None:
    (secret,) = found(watch, text, f"config/{name}")
    assert (secret[0], secret[2]) == ("named", line)
    assert secret[3] in (6, 7)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "a.yaml",
            "password: ${IB_PASSWORD}\ntoken: !vault x\nsecret: null\napi_key:\ncredentials: {a: 1}\n",
        ),
        ("a.yaml", 'password: ""\ntoken: <token>\nsecret: vault:ib/prod\n'),
        ("a.json", '{"password": null, "token": "", "secret": {"x": 1}}'),
    ],
)
def test_references_in_configuration_files_are_no_secrets(watch: Any, name: str, text: str) -> None:
    assert found(watch, text, f"config/{name}") == []


@pytest.mark.parametrize(
    "text",
    [
        b"password = 'hunter2'\ndef (",
        b"# \xe9\npassword = 'hunter2'\n",
        b"x = '\x00'\npassword = 'hunter2'\n",
        b"password = 'hunter2'\nx = " + b"(" * 3000,
    ],
    ids=["syntax", "latin-1", "nul", "deep"],
)
def test_a_file_that_does_not_parse_hides_nothing(watch: Any, text: bytes) -> None:
    (secret,) = found(watch, text)
    assert secret[1] == "password"


def test_a_file_too_large_to_look_through_is_named(watch: Any) -> None:
    large = "x = 1\n" * 50
    facts = watch(
        "source",
        {FILE: large + "password = 'hunter2'\n", "algo_trade/y.py": large},
        limits=Limits(text_bytes=200),
    ).facts
    reason = "is larger than 200 bytes (limits.text_bytes), and may hold a secret, an account or a port"
    assert facts["unscanned"] == [{"path": FILE, "reason": reason}]
    assert (facts["unscanned_total"], facts["scanned"], facts["secrets_total"]) == (1, 2, 0)


def test_without_any_file_nothing_is_known(watch: Any) -> None:
    facts = watch("source", {"config/notes.md": "password: hunter2\n"}).facts
    assert facts["secrets_total"] is None
    assert facts["scanned"] == 0


def test_lists_are_cut_and_totals_are_not(watch: Any) -> None:
    text = "".join(f"password = 'hunter{n}'\naccount = 'U12345{n:02}'\n" for n in range(80))
    facts = watch("source", {FILE: text}).facts
    assert (facts["secrets_total"], len(facts["secrets"])) == (80, 50)
    assert (facts["live_account_ids_total"], len(facts["account_ids"])) == (80, 50)


def test_account_ids_are_masked_and_live_ones_come_first(watch: Any) -> None:
    text = """
'''Docs may say DU7654321.'''
PINNED = 'DU1234567'
send(account='U7654321', note=f'for {x} DF11223')
SIM = "DUSIM0042x"
WORD = "XU7654321 U1 U123456abc"
"""
    facts = watch("source", {FILE: text, "config/a.yaml": "account: U1112223\n"}).facts
    assert facts["account_ids"] == [
        {"path": FILE, "line": 4, "account": "U7****21", "paper": False},
        {"path": "config/a.yaml", "line": 1, "account": "U1****23", "paper": False},
        {"path": FILE, "line": 3, "account": "DU*****67", "paper": True},
        {"path": FILE, "line": 4, "account": "DF***23", "paper": True},
    ]
    assert (facts["account_ids_total"], facts["live_account_ids_total"]) == (4, 2)
    assert "U7654321" not in json.dumps(facts)


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("ib.connect('127.0.0.1', 7496, clientId=1)", [7496]),
        ("await ib.connectAsync(host, port=4001)", [4001]),
        ("PORT = 7496", [7496]),
        ("live_port: int = 4_001", [4001]),
        ("ports = {'port': 7496 if live else 7497}", [7496]),
        ("class Port:\n    LIVE = 7496\nib.connect('h', Port.LIVE)", [7496]),
        ("port = int(os.getenv('IB_PORT', '7496'))", [7496]),
        ("LIVE_PORTS = frozenset({7496, 4001})", []),
        ("if port == 7496: raise ValueError", []),
        ("LIVE_PORT = 7496\nif port == LIVE_PORT: raise ValueError", []),
        ("LIVE_PORT = 7496\nib.connect(h, LIVE_PORT)", [7496, 7496]),
        ("ib.connect('127.0.0.1', 7497)", []),
        ("year = 4001", []),
        ("report = 7496", []),
        ("PAPER_PORTS = frozenset({7497, 4002, 7496})", [7496]),
        ("PAPER_PORTS = (7497, 4002, 4001)", [4001]),
        ("PAPER_PORTS = {7497} | {4001}", [4001]),
        ("LIVE = 7496\nALLOWED_PORTS = [7497, LIVE]", [7496]),
        ("LIVE_PORTS = {7496}\nPAPER_PORTS = {7497} | LIVE_PORTS", [7496]),
        ("if port not in (7496, 7497): raise ValueError", [7496]),
        ("if port not in PAPER and port != 7496: raise ValueError", [7496]),
        ("if port not in PAPER and port == 7496: raise ValueError", []),
        ("ADDRESS = 'localhost:7496'", [7496]),
        ("url = f'{host}:4001/x'", [4001]),
        ("url = '127.0.0.1:4001'", [4001]),
        ('"""Docs: localhost:7496"""', []),
        ("class S:\n    port: int = field(default=4001)", [4001]),
        ("class S:\n    port: int = Field(default_factory=lambda: 4001)", [4001]),
        ("parser.add_argument('--port', type=int, default=7496)", [7496]),
        ("def main(port: int = typer.Option(7496)): ...", [7496]),
        ("port = env.int('IB_PORT', default=7496)", [7496]),
        ("def default_port(live):\n    return 7496 if live else 7497", [7496]),
        ("address = ('127.0.0.1', 7496)", [7496]),
        ("ib.connect(host, pick())\ndef pick(): return 4001", [4001]),
        ("PROHIBITED_PORTS = {7496, 4001}\nif port in PROHIBITED_PORTS: raise ValueError", []),
        ("class P(IntEnum):\n    TWS = 7497\nPAPER_PORTS = frozenset(P)", []),
        ("BY_NAME = {'tws': 7497}\nPAPER_PORTS = frozenset(BY_NAME.values())", []),
        ("ib.connect(host, port, client_id + 10)", []),
        ("note = 'error:4001'", []),
        ("LIVE_PORTS = (7496, 4001)\nif port in LIVE_PORTS: raise ValueError", []),
    ],
)
def test_live_ports_are_those_connected_to(watch: Any, text: str, ports: list[int]) -> None:
    facts = watch("source", {FILE: text + "\n"}).facts
    assert [place["port"] for place in facts["live_ports"]] == ports
    assert facts["live_ports_total"] == len(ports)


@pytest.mark.parametrize(
    "text",
    [
        "PAPER_PORTS = {7497, int(os.environ['P'])}",
        "ALLOWED_PORTS = tuple(load_ports())",
        "PAPER_PORTS = {7497 - 1, 4002}",
        "ib.connect(h, 7497 - 1)",
        "ib.connect(h, self.port - 1)",
        "PORT = int('74' + '96')",
        "port: int = 7497 - 1",
    ],
)
def test_ports_that_are_let_through_or_computed_cannot_be_told(watch: Any, text: str) -> None:
    (problem,) = (one for one in watch("source", {FILE: text + "\n"}).problems if one.fact == "live_ports")
    assert (problem.kind, problem.path, problem.place) == (ProblemKind.UNKNOWN, FILE, "line 1")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.yaml", b"ports: [7497, 7496]\n"),
        ("a.yaml", b"ports:\n  - 7497\n  - 7496\n"),
        ("a.yaml", b"port:\n  live: 7496\n"),
        ("a.yaml", b"port: 0x1D48\n"),
        ("a.toml", b"port = 7_496\n"),
        ("a.ini", "[ib]\nport = 7496\n".encode("utf-16")),
    ],
)
def test_a_live_port_in_any_spelling_of_the_settings_is_found(watch: Any, name: str, content: bytes) -> None:
    (place,) = watch("source", {f"config/{name}": content}).facts["live_ports"]
    assert place["port"] == 7496


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("url = 'postgresql://me:hX93kd02@db.example.com/x'", "password_in_url"),
        ("headers = {'Authorization': 'Bearer hX93kd02kfLsQw81hX93'}", "bearer_token"),
        ("bot = '7104729384:AA" + "Gkz3u8Qw91mXcVbN2pLs0dKfJhG5TrEyU'", "telegram_token"),
        ("key = 'AIza" + "SyD3x9Kq2Lm8Nv4Bp6Rt1Wz5Yc7Fh0Jg2Aa'", "google_api_key"),
        ("key = 'sk-proj-" + "Ab3dEf6hIj9lMn2pQr5tUv8xYz1B'", "openai_key"),
        ("key = 'glpat-" + "Xy7zQ2Lm8Nv4Bp6Rt1Wz'", "gitlab_token"),
        (
            "hook = 'https://hooks.slack.com/services/" + "T01ABCDEF23/B04XYZ12345/aB3dEf6hIj9lMn2pQr5t'",
            "webhook",
        ),
    ],
)
def test_tokens_of_what_trading_systems_talk_to_are_found(watch: Any, text: str, kind: str) -> None:
    (secret,) = found(watch, text + "\n")
    assert secret[0] == kind


def test_live_ports_in_configuration(watch: Any) -> None:
    facts = watch(
        "source",
        {
            "config/a.yaml": "ib:\n  port: 7496\n  transport: 4001\n",
            "config/b.env": "IB_PORT=4001\nGATEWAY=127.0.0.1:7496\n",
        },
    ).facts
    assert [(p["path"], p["line"], p["port"]) for p in facts["live_ports"]] == [
        ("config/a.yaml", 2, 7496),
        ("config/b.env", 1, 4001),
        ("config/b.env", 2, 7496),
    ]


def test_a_link_among_the_files_is_a_finding(watch: Any, tmp_path: Path) -> None:
    (tmp_path / "algo_trade").mkdir()
    (tmp_path / "real.py").write_text("x = 1\n")
    (tmp_path / FILE).symlink_to(tmp_path / "real.py")
    facts = watch("source", {}).facts
    assert [error["path"] for error in facts["parse_errors"]] == [FILE]


@pytest.mark.parametrize(
    "data",
    [
        b"token=" * 170_000,
        b"a" * 1_000_000 + b" password",
        b"eyJ" * 330_000,
        b"token='" + b'token="' * 20_000,
        b"eyJaaaaaaaa." * 80_000,
        b"-----BEGIN PRIVATE KEY-----" * 37_000,
        b"AKIA" * 250_000,
        b"password = '" + b"x1" * 500_000 + b"'",
        b"U12345" * 160_000,
        b"token" + b" " * 1_000_000 + b"= 1",
        b"x = '" + b"ghp_" * 250_000 + b"'",
    ],
    ids=lambda data: data[:14].decode(),
)
@pytest.mark.parametrize("path", ["config/a.yaml", "a.py"])
@pytest.mark.soak
def test_a_line_of_a_megabyte_has_bounded_findings(data: bytes, path: str) -> None:
    assert may_hold(data)
    findings = find_literals(path, data)
    assert len(json.dumps([findings.secrets, findings.account_ids, findings.live_ports])) < 50_000_000


NAMES = ["password", "api_key", "secretToken", "DB_PASSWORD", "token_for_ib", "credentials", "x"]
WRITERS = {
    FILE: [
        "{n} = {q}\n",
        "f({n}={q})\n",
        "d = {{'{n}': {q}}}\n",
        "order_type = {q}\n",
        "def f(a={q}): {q}\n",
        "class {n}: {q}\n",
        "order.{n} = {q} + {q}\n",
        "def ({n} = {q}\n",
    ],
    "config/a.yaml": ["{n}: {q}\n", "{n}: {r}\n", "- {r}\n", "{r}: {n}\n"],
    "config/a.json": ['{{"{n}": "{r}"}}\n', '{{"a": "{n}={r}"}}\n'],
    "config/a.env": ["{n}={r}\n", "export {n}={q}\n"],
}
SECRETS = st.one_of(
    st.text(string.ascii_letters + string.digits, min_size=12, max_size=48).map(lambda text: "q7" + text),
    st.sampled_from([AWS, GITHUB, FINE_GRAINED, SLACK, STRIPE, JWT, RANDOM]),
)


@given(st.data(), SECRETS)
def test_no_secret_is_ever_in_the_facts(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, secret: str
) -> None:
    root = tmp_path_factory.mktemp("secrets")
    path = data.draw(st.sampled_from(sorted(WRITERS)))
    lines = data.draw(
        st.lists(st.tuples(st.sampled_from(WRITERS[path]), st.sampled_from(NAMES)), min_size=1, max_size=4)
    )
    text = "".join(line.format(n=name, q=repr(secret), r=secret) for line, name in lines)
    (root / path).parent.mkdir(parents=True)
    (root / path).write_text(text)
    kind = load("source")
    options = {"paths": [FILE]} if data.draw(st.booleans()) else {}
    evidence = observe(Workspace(root), kind(validate(kind.Options, options)))
    shown = json.dumps(evidence.facts) + json.dumps([[m.reason, m.remedy] for m in evidence.problems])
    if "order_type" in text and secret not in (AWS, GITHUB, FINE_GRAINED, SLACK, STRIPE, JWT):
        for found_type in evidence.facts["order_types"]:
            shown = shown.replace(json.dumps(found_type["value"]), "")
    assert secret not in shown


@given(
    st.sampled_from(["a.py", "a.yaml", ".env"]),
    st.lists(
        st.sampled_from(
            [
                "password",
                "token",
                "=",
                ":",
                "'",
                '"',
                "\n",
                " ",
                "\\",
                "{",
                "}",
                "x1",
                "7496",
                "U1234567",
                "(",
                ")",
                "port",
                "#",
                "é",
            ]
        )
    ).map("".join)
    | st.text(max_size=80),
)
def test_any_text_is_looked_through(path: str, text: str) -> None:
    found = find_literals(path, text.encode("utf-8", "surrogatepass"))
    for item in (*found.secrets, *found.account_ids, *found.live_ports):
        assert 1 <= item["line"] <= text.count("\n") + 1


@pytest.mark.parametrize(
    ("head", "read"),
    [
        ("# coding: utf-8\n", True),
        ("#!/usr/bin/python\n# -*- coding: latin-1 -*-\n", True),
        ("# coding: utf-7\n", True),
        ("\f\n# coding: utf-7\n", True),
        ("x = 1\n# coding: nowhere\n", True),
        ("# coding: nowhere\n", False),
        ("# coding: rot13\n", False),
        ("# coding: utf-16\n", False),
        ("# coding: cp1252\n# é\n", True),
        ("\ufeff# coding: utf-8\n", True),
        ("\ufeff# coding: latin-1\n", False),
    ],
)
def test_a_source_is_read_in_the_encoding_that_it_declares(watch: Any, head: str, read: bool) -> None:
    text = f"{head}def connect(self):\n    pass\n"
    facts = watch("source", {"algo_trade/core/execution/IBKR_handler.py": text}).facts
    assert (facts["parse_errors"] == []) is read
    if not read:
        assert "declares the encoding" in facts["parse_errors"][0]["text"]


def test_what_another_encoding_hides_is_seen(watch: Any) -> None:
    """`+AAo-` is a line break in UTF-7, so Python runs what looks like a comment."""
    text = "# coding: utf-7\n# a comment +AAo-password = 'hunter2'\n"
    assert found(watch, text) == [("named", "password", 3, 7)]
    latin = b"# -*- coding: latin-1 -*-\nNAME = 'Z\xfcrich'\npassword = 'h\xfcnter2'\n"
    assert found(watch, latin) == [("named", "password", 3, 7)]


def test_a_list_of_ports_is_looked_through_once() -> None:
    assert len(find_literals("config/a.yaml", b"ports=[4001," * 100).live_ports) == 100
    assert len(find_literals("config/a.yaml", b"ports:\n  gateway_ports: [4001]\n").live_ports) == 1


def test_a_secret_does_not_hide_the_pairs_above_it() -> None:
    text = b"env:\n  - name: DB_PASSWORD\n    value: hunter2-correct\npassword: s3cr3t-value-x\n"
    assert [one["line"] for one in find_literals("config/a.yaml", text).secrets] == [3, 4]


def test_headers_of_a_private_key_are_read_in_one_way() -> None:
    """With four headers that may end anywhere, this would take minutes."""
    assert not find_literals("a.yaml", b"-----BEGIN PRIVATE KEY-----\n" + b"aaaaaaaaaaaaa: " * 200).secrets


def test_steps_inside_each_other_do_not_multiply_a_text() -> None:
    """What is put together stays short, however a hostile file nests it."""
    long = "'" + "a" * 900 + "'"
    grown = f"{long}.replace('', {long})"
    source = ast.parse(f"''.join([{', '.join([grown] * 200)}])", mode="eval").body
    assert folded(source) is None
    assert folded(ast.parse("'U' + '{}'.format('1' * 2)", mode="eval").body) is None
    assert folded(ast.parse("'U' + '{}'.format(1234567)", mode="eval").body) == "U1234567"
