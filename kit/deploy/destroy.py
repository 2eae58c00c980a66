"""The end of a stage: everything that is ours, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kit import aws
from kit.definitions import Definitions
from kit.deploy.guards import require_no_obstacle
from kit.deploy.permissions import missing_deletion_permission, missing_permissions
from kit.deploy.plan import deletes
from kit.deploy.stage import Prepared, own_topics, reach, sns_client
from kit.deploy.topics import by_region, owned_topics
from kit.settings import Settings


def prepare_destroy(settings: Settings, *, topics: bool) -> Prepared:
    """What would be deleted: composites before what they name, then alarms and dashboards; nothing is written.

    Raises KitError, also for an alarm that a composite of someone else names.
    """
    found = reach(settings)
    live = found.read()
    account = replace(found, definitions=Definitions())
    changes = tuple(deletes(Definitions(), live, account.owner))
    require_no_obstacle(changes)
    with aws.readable_errors(settings, "asking for permissions"):
        refused = () if settings.stage.local else missing_permissions(changes, account.cloudwatch, account.call)
    ours: list[str] = []
    if topics:
        for region, arns in by_region(own_topics(settings)).items():
            with aws.readable_errors(settings, "reading the topics"):
                sns = sns_client(settings, region)
                ours += owned_topics(sns, arns, account.owner, account.call)
                refused += missing_deletion_permission(sns, arns, account.call)
    if refused:
        raise aws.denied(settings, refused)
    return Prepared(account, live, changes, tuple(ours))


def delete_topics(prepared: Prepared) -> Iterator[str]:
    """Delete the topics that were prepared, with their subscriptions, yielding each ARN when it is gone."""
    account = prepared.account
    for region, arns in by_region(prepared.topics).items():
        sns = sns_client(account.settings, region)
        for arn in arns:
            with aws.readable_errors(account.settings, f"deleting the topic {arn}"):
                account.call.write(sns.delete_topic, TopicArn=arn)
            yield arn
