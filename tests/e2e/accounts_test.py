"""Two accounts and their credentials: from files, roles, tokens and programs, for each side its own, and ending under way."""
import json
import stat
import time
import uuid

import botocore.exceptions

import harness

FILES = {f"{number:03}.txt": f"body {number}".encode() for number in range(50)}


def profile(name, account, more=""):
    return (f"[profile {name}]\nregion = {harness.REGION}\nendpoint_url = {account.endpoint}\n{more}",
            f"[{name}]\naws_access_key_id = {account.access_key}\naws_secret_access_key = {account.secret_key}\n")


class AgainstARealServer(harness.HaulTest):
    def setUp(self):
        super().setUp()
        self.mine, self.other = harness.radosgw()

    def profiles(self, *, more="", **accounts):
        pairs = [profile(name, account) for name, account in accounts.items()]
        self.aws_files("".join(pair[0] for pair in pairs) + more, "".join(pair[1] for pair in pairs))

    def filled(self, account):
        bucket = self.bucket(account)
        for key, body in FILES.items():
            account.client().put_object(Bucket=bucket, Key=f"in/{key}", Body=body)
        return bucket

    def contents(self, account, bucket, prefix=""):
        client = account.client()
        return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read()
                for key in harness.list_bucket(client, bucket, prefix)}

    def test_each_side_has_its_own_profile(self):
        self.profiles(one=self.mine, two=self.other)
        here, there = self.filled(self.mine), self.bucket(self.other)
        sides = ("--src-profile", "one", "--dst-profile", "two")
        self.haul("sync", f"s3://{here}/in/", f"s3://{there}/x/", *sides)
        self.assertEqual(self.contents(self.other, there), {f"x/{key}": body for key, body in FILES.items()})
        self.haul("check", f"s3://{here}/in/", f"s3://{there}/x/", *sides)
        again = self.haul("sync", f"s3://{here}/in/", f"s3://{there}/x/", *sides, "--json").accounts
        self.assertEqual((again["copied"], again["skipped"]), (0, len(FILES)))

    def test_one_identity_is_refused_what_belongs_to_the_other(self):
        self.profiles(one=self.mine, two=self.other)
        here, there = self.filled(self.mine), self.bucket(self.other)
        result = self.haul("cp", "-r", f"s3://{here}/in/", f"s3://{there}/x/", "--profile", "one", code=None)
        self.assertIn(result.code, (1, 3), str(result))
        self.assertIn("AccessDenied", result.err)
        self.assertEqual(self.contents(self.other, there), {})
        result = self.haul("cp", "-r", f"s3://{here}/in/", f"s3://{there}/x/", "--profile", "two", code=3)
        self.assertIn("AccessDenied", result.err)

    def test_the_destination_is_written_by_an_assumed_role(self):
        here, there = self.filled(self.mine), self.bucket(self.other)
        arn = harness.service("radosgw", "role", f"haul-{uuid.uuid4().hex[:8]}", "--trust", "source",
                              "--trust", "destination", "--allow", there).strip()
        self.profiles(one=self.mine, two=self.other, more=(
            f"[profile role]\nrole_arn = {arn}\nsource_profile = two\nregion = {harness.REGION}\n"
            f"endpoint_url = {self.other.endpoint}\n"))
        # A role's objects belong to who assumed it; the bucket lets whoever the role lets.
        self.haul("cp", "-r", f"s3://{here}/in/", f"s3://{there}/x/", "--src-profile", "one", "--dst-profile", "role")
        self.assertEqual(self.contents(self.other, there), {f"x/{key}": body for key, body in FILES.items()})
        self.haul("sync", "--delete", f"s3://{here}/in/", f"s3://{there}/x/", "--src-profile", "one", "--dst-profile",
                  "role")
        self.haul("mv", "-r", f"s3://{there}/x/", self.folder / "down", "--src-profile", "role")
        self.assertEqual(self.contents(self.other, there), {})

    def test_the_session_that_haul_asks_for_may_write_there_and_nowhere_else(self):
        """What the fake was asked for, tried on a server that has policies."""
        there = self.bucket(self.other)
        elsewhere = self.bucket(self.other)
        tree = harness.write_tree(self.folder / "tree", FILES)
        fake = harness.Fake()
        self.addCleanup(fake.stop)
        fake.account("destination").client().create_bucket(Bucket=there)
        self.use(fake.account("source"))
        self.haul("cp", "-r", tree, f"s3://{there}/inside/", "--dst-role-arn", "arn:aws:iam::destination:role/writer")
        policies = [call["policy"] for call in fake.stats()["role_calls"]]
        self.assertEqual(len(policies), 1)
        json.loads(policies[0])

        arn = harness.service("radosgw", "role", f"haul-{uuid.uuid4().hex[:8]}", "--trust", "destination").strip()
        keys = self.other.client("sts").assume_role(RoleArn=arn, RoleSessionName="judge",
                                                    Policy=policies[0])["Credentials"]
        session = harness.Account(self.other.endpoint, keys["AccessKeyId"], keys["SecretAccessKey"],
                                  keys["SessionToken"]).client()
        session.put_object(Bucket=there, Key="inside/ok", Body=b"x")
        for bucket, key in ((there, "outside"), (there, "insid"), (elsewhere, "inside/no")):
            with self.assertRaises(botocore.exceptions.ClientError) as refused:
                session.put_object(Bucket=bucket, Key=key, Body=b"x")
            self.assertEqual(refused.exception.response["Error"]["Code"], "AccessDenied")
        with self.assertRaises(botocore.exceptions.ClientError):
            session.delete_object(Bucket=there, Key="inside/ok")
        with self.assertRaises(botocore.exceptions.ClientError):
            session.list_objects_v2(Bucket=elsewhere)

    def test_without_scope_down_no_policy_is_sent(self):
        fake = harness.Fake()
        self.addCleanup(fake.stop)
        fake.account("destination").client().create_bucket(Bucket="there")
        self.use(fake.account("source"))
        tree = harness.write_tree(self.folder / "tree", FILES)
        self.haul("cp", "-r", tree, "s3://there/", "--role-arn", "arn:aws:iam::destination:role/writer",
                  "--no-scope-down")
        self.assertEqual([call["policy"] for call in fake.stats()["role_calls"]], [""])

    def test_a_role_that_does_not_trust_us_is_said_so(self):
        arn = harness.service("radosgw", "role", f"haul-{uuid.uuid4().hex[:8]}", "--trust", "destination").strip()
        self.use(self.mine)
        result = self.haul("ls", "s3://whatever/", "--role-arn", arn, code=3)
        self.assertIn("AssumeRole", result.err)
        self.assertIn("AccessDenied", result.err)


class AgainstTheFake(harness.FakeTest):
    """It checks signatures, and remembers who asked for which role."""

    OPTIONS = ("--verify-signatures",)
    ROLE = "arn:aws:iam::source:role/reader"

    def setUp(self):
        super().setUp()
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            del self.environment[name]
        self.make_bucket("here", FILES)
        self.make_bucket("there")

    def copies(self, *options, env=None):
        self.haul("cp", "-r", "s3://here/", "s3://there/x/", *options, env=env)
        self.assertEqual(self.contents("there"), {f"x/{key}": body for key, body in FILES.items()})

    def calls(self):
        return [call["action"] for call in self.fake.stats()["role_calls"]]

    def test_no_credentials_at_all_is_said_with_the_remedy(self):
        result = self.haul("ls", "s3://here/", code=3)
        self.assertIn("credentials", result.err)
        self.assertRegex(result.err, r"AWS_ACCESS_KEY_ID|aws configure|--profile")

    def test_a_program_gives_credentials(self):
        account = self.fake.account()
        program = self.folder / "give credentials"
        program.write_text("#!/bin/sh\nprintf '%s' '" + json.dumps(
            {"Version": 1, "AccessKeyId": account.access_key, "SecretAccessKey": account.secret_key}) + "'\n",
            encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.aws_files(f"[profile p]\ncredential_process = \"{program}\"\nendpoint_url = {account.endpoint}\n")
        self.copies("--profile", "p")

    def test_a_program_that_fails_is_said_so(self):
        self.aws_files("[profile p]\ncredential_process = /bin/false\n")
        result = self.haul("ls", "s3://here/", "--profile", "p", code=3)
        self.assertIn("credential_process of profile p", result.err)

    def test_a_web_identity_token_is_exchanged(self):
        token = self.folder / "token"
        token.write_text("header.payload.signature", encoding="utf-8")
        self.copies(env={"AWS_ROLE_ARN": self.ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
                         "AWS_ROLE_SESSION_NAME": "from-a-pod"})
        self.assertEqual(set(self.calls()), {"AssumeRoleWithWebIdentity"})
        self.aws_files(f"[profile w]\nrole_arn = {self.ROLE}\nweb_identity_token_file = {token}\n"
                       f"endpoint_url = {self.fake.endpoint}\n")
        self.haul("ls", "s3://here/", "--profile", "w")

    def test_a_role_by_a_profile_and_by_the_environment(self):
        account = self.fake.account("destination")
        self.aws_files(f"[profile r]\nrole_arn = {self.ROLE}\ncredential_source = Environment\n"
                       f"external_id = pass-phrase\nrole_session_name = night-run\nendpoint_url = {account.endpoint}\n")
        self.copies("--profile", "r", env={"AWS_ACCESS_KEY_ID": account.access_key,
                                           "AWS_SECRET_ACCESS_KEY": account.secret_key})
        self.assertIn("night-run", {call["session"] for call in self.fake.stats()["role_calls"]})

    def run_while_sessions_end(self, *command, every, objects):
        """Runs with a role, and ends all its sessions again and again."""
        text = profile("base", self.fake.account("destination"))
        self.aws_files(text[0] + f"[profile r]\nrole_arn = {self.ROLE}\nsource_profile = base\n"
                                 f"endpoint_url = {self.fake.endpoint}\n", text[1])
        process = self.start_haul(*command, "--profile", "r", "--json")
        ended, struck_at = 0, 0
        while process.poll() is None:
            stats = self.fake.stats()
            done = sum(stats["operations"].get(name, 0) for name in ("CopyObject", "GetObject")) - stats["client_errors"]
            if done >= struck_at + every:
                self.fake.control("POST", "expire-sessions")
                ended, struck_at = ended + 1, done
            time.sleep(0.01)
        result = process.result()
        self.assertEqual(result.code, 0, str(result))
        self.assertEqual(result.accounts["copied"], objects)
        self.assertGreaterEqual(ended, 3)
        self.assertGreaterEqual(len(self.calls()), 3)

    def test_a_token_that_ends_under_way_is_replaced_and_the_run_goes_on(self):
        self.fake.control("PUT", "settings", {"latency-us": 20000})
        self.run_while_sessions_end("cp", "-r", "s3://bench-n5000-s100/", "s3://there/x/", every=1000, objects=5000)
        self.assertEqual(len(harness.list_bucket(self.s3, "there", "x/")), 5000)

    def test_also_on_the_way_down(self):
        self.fake.control("PUT", "settings", {"latency-us": 20000})
        self.run_while_sessions_end("cp", "-r", "s3://bench-n5000-s100/", self.folder / "down", every=1000, objects=5000)
        self.assertEqual(len(harness.facts_of_tree(self.folder / "down")), 5000)

    def test_sessions_of_seconds_are_renewed_before_they_end(self):
        self.fake.control("PUT", "settings", {"latency-us": 30000, "sts-seconds": 2})
        text = profile("base", self.fake.account("destination"))
        self.aws_files(text[0] + f"[profile r]\nrole_arn = {self.ROLE}\nsource_profile = base\n"
                                 f"endpoint_url = {self.fake.endpoint}\n", text[1])
        result = self.haul("cp", "-r", "s3://bench-n5000-s100/", "s3://there/x/", "--profile", "r", "--concurrency", "32",
                           "--json")
        self.assertEqual(result.accounts["copied"], 5000)
        self.assertGreaterEqual(len(self.calls()), 2)

    def test_secrets_are_never_shown(self):
        account = self.fake.account()
        log = self.folder / "log"
        result = self.haul("ls", "-r", "s3://here/", "--log-level", "debug", "--log-file", log,
                           env=account.environment())
        wrong = self.haul("ls", "s3://here/", "--log-level", "debug", code=3,
                          env={**account.environment(), "AWS_SECRET_ACCESS_KEY": "quite-another-secret"})
        everything = result.out + result.err + wrong.out + wrong.err + log.read_text(encoding="utf-8")
        self.assertNotIn(account.secret_key, everything)
        self.assertNotIn("quite-another-secret", everything)


if __name__ == "__main__":
    harness.main()
