"""PRO-10. Exports of everything that is held about a profile."""

from datetime import datetime

import strawberry

from engine.declare import Batch, declare
from models import export as rows
from models.refusal import Code
from models.secret import unsaid
from resolvers import export as acts
from schema.directive import authorize
from schema.enumeration import described
from schema.live import live
from schema.mutation import Info, MutationPayload, mutation, refetched
from schema.node import Node, node
from schema.scalar import Url

described(
    rows.ExportStatus,
    "State of an export.",
    RUNNING="In the queue or running.",
    READY="Ready.",
    FAILED="Failed.",
)


@node(
    rows.Export,
    gate=authorize(),
    owner="owner_id",
    description="An asynchronous export, visible to the profile that asked for it.",
)
class Export(Node):
    status: rows.ExportStatus = strawberry.field(description="State.")
    download_url: Url | None = declare(
        Batch("id", acts.addresses), description="Short-lived link once ready; for sessions, not for tokens."
    )
    expires_at: datetime | None = strawberry.field(description="When the file is removed.")


@strawberry.input(description="Arguments of dataExport.")
class DataExportInput:
    current_password: str = strawberry.field(description="Present password.")

    __repr__ = unsaid


@strawberry.type(description="Result of dataExport.")
class DataExportPayload(MutationPayload):
    export: Export | None = refetched("export", "The export; poll or subscribe.")


@strawberry.type
class ExportSubscription:
    export_updated: Export | None = live(
        ["export."],
        authorize(subject="exportId"),
        arguments={"export_id": (strawberry.ID, "Export.")},
        description="An export changed state.",
    )


@strawberry.type
class ExportMutation:
    @mutation(
        DataExportPayload,
        authorize(interactive=True),
        fails=[Code.INVALID_CREDENTIALS],
        description="Put together everything that is held about the profile, as JSON in a ZIP.",
        suspended=True,
    )
    async def data_export(self, info: Info, input: DataExportInput) -> DataExportPayload | None:
        key = await acts.ask(info.context, password=input.current_password)
        return DataExportPayload.of(export=key)
