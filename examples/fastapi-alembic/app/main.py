"""Registers users and logs them in."""

import hashlib
import hmac
import os
import secrets
import time

import jwt
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

app = FastAPI(title="shop")
engine = create_engine(os.environ["DATABASE_URL"], pool_pre_ping=True)
secret = os.environ["SECRET_KEY"]


class Credentials(BaseModel):
    email: str
    password: str


class Registration(Credentials):
    full_name: str = ""


def digest(password: str, salt: str) -> str:
    return salt + ":" + hashlib.scrypt(password.encode(), salt=salt.encode(), n=2**14, r=8, p=1).hex()


@app.get("/health")
def health() -> dict:
    return {"status": "ok"}


@app.post("/register", status_code=201)
def register(user: Registration) -> dict:
    password = digest(user.password, secrets.token_hex(16))
    insert = text("insert into users (email, password, full_name) values (:email, :password, :full_name) returning id")
    try:
        with engine.begin() as connection:
            values = {"email": user.email, "password": password, "full_name": user.full_name}
            return {"id": connection.execute(insert, values).scalar_one(), "email": user.email}
    except IntegrityError:
        raise HTTPException(409, "this email is registered already")


@app.post("/login")
def login(user: Credentials) -> dict:
    with engine.connect() as connection:
        row = connection.execute(text("select id, password from users where email = :email"), {"email": user.email}).first()
    if row is None or not hmac.compare_digest(digest(user.password, row.password.split(":")[0]), row.password):
        raise HTTPException(401, "wrong email or password")
    token = jwt.encode({"sub": str(row.id), "exp": int(time.time()) + 3600}, secret, algorithm="HS256")
    return {"access_token": token, "token_type": "bearer"}
