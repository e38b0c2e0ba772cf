"""What tablets are shown of an order moves from `published` into the order's own row."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Move the texts as they are: the index of changes has their hashes."""
    op.add_column("work_order", sa.Column("document", sa.Text(), nullable=True))
    op.execute(
        "UPDATE work_order SET document = (SELECT document FROM published WHERE "
        "published.entity = 'work_order' AND published.entity_id = work_order.order_id)"
    )
    op.execute("DELETE FROM published WHERE entity = 'work_order'")
