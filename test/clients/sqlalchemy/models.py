from sqlalchemy import Column, DateTime, FetchedValue, ForeignKey, Integer
from sqlalchemy import String, func
from sqlalchemy.orm import declarative_base, relationship

Base = declarative_base()


def updated_at():
    # server_onupdate: read it again after an UPDATE, as the database sets it
    return Column(DateTime(timezone=True), nullable=False,
                  server_default=func.now(), server_onupdate=FetchedValue())


class User(Base):
    __tablename__ = 'users'
    id = Column(Integer, primary_key=True)
    email = Column(String, unique=True, nullable=False)
    name = Column(String)
    updated_at = updated_at()
    deleted_at = Column(DateTime(timezone=True))
    # the database deletes and restores them with the user
    orders = relationship('Order', passive_deletes='all')


class Order(Base):
    __tablename__ = 'orders'
    id = Column(Integer, primary_key=True)
    user_id = Column(ForeignKey('users.id', ondelete='CASCADE'))
    updated_at = updated_at()
    deleted_at = Column(DateTime(timezone=True))


class Invoice(Base):
    __tablename__ = 'invoices'
    id = Column(Integer, primary_key=True)
    order_id = Column(ForeignKey('orders.id', ondelete='RESTRICT'))
