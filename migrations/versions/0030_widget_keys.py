"""Widget keys say where their host product publishes its keys, and whom its identity tokens are from and for."""

from alembic import op
from sqlalchemy import Column, String

revision = "0030"
down_revision = "0026"
branch_labels = depends_on = None


def upgrade() -> None:
    url = Column("jwks_url", String(), comment="of a widget key: where its host product publishes its keys")
    op.add_column("api_keys", url)
    op.add_column("api_keys", Column("jwt_audience", String(), comment="what aud of an identity token has to be"))
    issuer = Column("jwt_issuer", String(), comment="what iss of an identity token has to be, if anything")
    op.add_column("api_keys", issuer)


def downgrade() -> None:
    op.drop_column("api_keys", "jwt_issuer")
    op.drop_column("api_keys", "jwt_audience")
    op.drop_column("api_keys", "jwks_url")
